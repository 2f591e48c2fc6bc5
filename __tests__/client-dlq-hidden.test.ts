import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, QuietPipeline, runClient, startScriptedAws } from "./support/client.ts";
import { requestBody } from "./support/sample-request.ts";

describe("with two hidden dead letters, and one that is not", () => {
  const HIDDEN =
    "About 2 more are hidden: somebody else is handling them, or was stopped. Try again in a minute.";

  let pipeline: QuietPipeline;
  beforeEach(async () => {
    pipeline = await QuietPipeline.start();
    for (const requestId of ["x", "y"]) await pipeline.bury(requestBody(requestId));
    await pipeline.drain(pipeline.deadLetterQueueUrl);
    await pipeline.bury(requestBody("a"));
  });
  afterEach(() => pipeline[Symbol.asyncDispose]());

  it.each([
    [["dlq", "list"], "1 dead letter."],
    [["dlq", "redrive", "--all"], "1 redriven."],
  ])("%j says how many it could not see", async (args, summary) => {
    const { code, stderr } = await pipeline.run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${summary} ${HIDDEN}\n` });
  });

  it.each([
    [["dlq", "show", "x"], ""],
    [["dlq", "redrive", "x"], "0 redriven.\n"],
  ])("%j says that it may be one of those", async (args, summary) => {
    const { code, stderr } = await pipeline.run(args);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `${summary}Not found in the dead-letter queue: x. ${HIDDEN}\n`,
    });
  });
});

describe("with one dead letter on an SQS that answers as it is told", () => {
  const letter = {
    MessageId: "m",
    ReceiptHandle: "r",
    Body: requestBody("a"),
    MD5OfBody: createHash("md5").update(requestBody("a")).digest("hex"),
    Attributes: { SentTimestamp: "0" },
  };
  const Attributes = {
    RedrivePolicy: '{"deadLetterTargetArn":"a:0:dlq"}',
    ApproximateNumberOfMessages: "0",
    ApproximateNumberOfMessagesNotVisible: "1",
  };

  /** Redrives it, and gives what SQS was asked for that changes something. */
  async function redriveOne(send: Answer) {
    const received = [{ Messages: [letter] }];
    const changes: string[] = [];
    await using aws = await startScriptedAws((action) => {
      if (action === "GetQueueAttributes") return { status: 200, body: { Attributes } };
      if (action === "ReceiveMessage") return { status: 200, body: received.shift() ?? {} };
      changes.push(action);
      return action === "SendMessage" ? send : { status: 200, body: {} };
    });
    const ended = await runClient(["dlq", "redrive", "--all"], { env: aws.env });
    return { ...ended, changes };
  }

  it("counts no letter as hidden that it moved itself, although SQS still does", async () => {
    const { code, stderr, changes } = await redriveOne({
      status: 200,
      body: { MessageId: "n", MD5OfMessageBody: letter.MD5OfBody },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "1 redriven.\n" });
    expect(changes).toEqual(["SendMessage", "DeleteMessage"]);
  });

  it("leaves the letter where it is when its copy cannot be sent", async () => {
    const { code, changes } = await redriveOne({ status: 403, body: { __type: "AccessDenied" } });
    expect(code).toBe(1);
    expect(changes).not.toContain("DeleteMessage");
  });
});
