import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { QuietPipeline, runClient, startScriptedAws } from "./support/client.ts";

const body = (requestId: string) => JSON.stringify({ requestId, prompt: "Me on top of K2" });

describe("with two hidden dead letters, and one that is not", () => {
  const HIDDEN =
    "About 2 more are hidden: somebody else is handling them, or was stopped. Try again in a minute.";

  let pipeline: QuietPipeline;
  beforeEach(async () => {
    pipeline = await QuietPipeline.start();
    for (const requestId of ["x", "y"]) await pipeline.bury(body(requestId));
    await pipeline.drain(pipeline.deadLetterQueueUrl);
    await pipeline.bury(body("a"));
  });
  afterEach(() => pipeline[Symbol.asyncDispose]());

  it.each([
    [["dlq", "list"], "1 dead letters."],
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

it("counts no letter as hidden that it moved itself, although SQS still does", async () => {
  const letter = {
    MessageId: "m",
    ReceiptHandle: "r",
    Body: body("a"),
    MD5OfBody: createHash("md5").update(body("a")).digest("hex"),
    Attributes: { SentTimestamp: "0" },
  };
  const Attributes = {
    RedrivePolicy: '{"deadLetterTargetArn":"a:0:dlq"}',
    ApproximateNumberOfMessages: "0",
    ApproximateNumberOfMessagesNotVisible: "1",
  };
  const received = [{ Messages: [letter] }];
  await using aws = await startScriptedAws((action) => {
    switch (action) {
      case "GetQueueAttributes":
        return { status: 200, body: { Attributes } };
      case "ReceiveMessage":
        return { status: 200, body: received.shift() ?? {} };
      case "SendMessage":
        return { status: 200, body: { MessageId: "n", MD5OfMessageBody: letter.MD5OfBody } };
      default:
        return { status: 200, body: {} };
    }
  });
  const { code, stderr } = await runClient(["dlq", "redrive", "--all"], { env: aws.env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "1 redriven.\n" });
});
