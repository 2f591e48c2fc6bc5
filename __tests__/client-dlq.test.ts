import { createHash } from "node:crypto";
import type { Message } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { FailedRecord } from "../functions/domain/record.ts";
import { clock } from "../local/chaos/clock.ts";
import { QuietPipeline, runClient, startScriptedAws } from "./support/client.ts";
import { askedRecord, requestBody } from "./support/sample-request.ts";
import { runClientInTerminal } from "./support/terminal.ts";

/** More than a visibility timeout of the client, in milliseconds. */
const MINUTE = 60_000;

let pipeline: QuietPipeline;
beforeEach(async () => {
  pipeline = await QuietPipeline.start();
});
afterEach(() => pipeline[Symbol.asyncDispose]());

const REASONS = [
  { code: "AccessDeniedException", message: "no access to the model" },
  { code: "InferenceError", message: "Inference error" },
  { code: "ModelTimeout", message: "no answer in time" },
];

function failed(requestId: string, reason: FailedRecord["reason"]): FailedRecord {
  const now = new Date().toISOString();
  return {
    ...askedRecord(requestId),
    status: "failed",
    attempts: 10,
    reason,
    timings: { queuedAt: now, startedAt: now, finishedAt: now },
  };
}

/** Three requests that failed for different reasons: `a`, `b` and `c`. */
async function buryThree(): Promise<void> {
  for (const [index, requestId] of ["a", "b", "c"].entries()) {
    await pipeline.putRecord(failed(requestId, REASONS[index] ?? { code: "", message: "" }));
    await pipeline.bury(requestBody(requestId));
  }
}

const bodySchema = z.object({ requestId: z.string(), prompt: z.string() });
const requestOf = ({ Body = "" }: Message) => bodySchema.parse(JSON.parse(Body));

async function queuedIds(): Promise<string[]> {
  return (await pipeline.drain()).map((message) => requestOf(message).requestId);
}

describe("dlq list", () => {
  it("tells which requests failed and why, without a prompt, and leaves them there", async () => {
    await buryThree();
    await pipeline.bury(requestBody("unknown"));
    const { code, stdout, stderr } = await pipeline.run(["dlq", "list"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "4 dead letters.\n" });
    const lines = stdout.trimEnd().split("\n").toSorted();
    expect(lines).toEqual([
      expect.stringMatching(/^a {2}20\S+Z {2}failed, AccessDeniedException: no access to the model$/),
      expect.stringMatching(/^b {2}20\S+Z {2}failed, InferenceError: Inference error$/),
      expect.stringMatching(/^c {2}20\S+Z {2}failed, ModelTimeout: no answer in time$/),
      expect.stringMatching(/^unknown {2}20\S+Z {2}unknown, NoRecord: the consumer never began with it$/),
    ]);
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([4, 0]);
  });

  it("tells of a request whose last try was killed, although its record was never closed", async () => {
    const { status: _, reason: __, ...asked } = failed("killed", { code: "", message: "" });
    const lease = { owner: "somebody", expiresAt: new Date(Date.now() - 1000).toISOString() };
    const startedAt = asked.timings.queuedAt;
    const timings = { ...asked.timings, startedAt };
    await pipeline.putRecord({ ...asked, status: "generating", timings, lease });
    await pipeline.bury(requestBody("killed"));
    const { stdout } = await pipeline.run(["dlq", "list"]);
    expect(stdout).toMatch(/^killed {2}20\S+Z {2}generating, Interrupted: its owner died on attempt 10\n$/);
  });

  it("tells of a request that the consumer never began with, although it has a record", async () => {
    const { reason: _, ...asked } = failed("waiting", { code: "", message: "" });
    await pipeline.putRecord({ ...asked, status: "queued", attempts: 0 });
    await pipeline.bury(requestBody("waiting"));
    const { stdout } = await pipeline.run(["dlq", "list"]);
    expect(stdout).toMatch(/^waiting {2}20\S+Z {2}queued, NeverBegun: the consumer never began with it\n$/);
  });

  it("prints JSON, and stops at its limit", async () => {
    await buryThree();
    const { stdout, stderr } = await pipeline.run(["dlq", "list", "--json", "--limit", "2"]);
    expect(stderr).toBe("2 of about 3 dead letters.\n");
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      messageId: expect.any(String),
      status: "failed",
      code: expect.any(String),
    });
  });
});

describe("dlq show", () => {
  it("shows a message with its attributes and its record", async () => {
    await buryThree();
    const { code, stdout } = await pipeline.run(["dlq", "show", "b"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      requestId: "b",
      body: requestBody("b"),
      attributes: { sender: { StringValue: "Ada" } },
      record: { status: "failed", reason: REASONS[1] },
    });
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([3, 0]);
  });

  it("fails for what is not there", async () => {
    expect(await pipeline.run(["dlq", "show", "x"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "Not found in the dead-letter queue: x. See what is there: image-generator-client dlq list\n",
    });
  });
});

describe("dlq redrive", () => {
  it("puts one back with its attributes, and leaves the others", async () => {
    await buryThree();
    expect(await pipeline.run(["dlq", "redrive", "b"])).toEqual({
      code: 0,
      stdout: "b\n",
      stderr: "1 redriven.\n",
    });
    const [message, ...others] = await pipeline.drain();
    expect(others).toEqual([]);
    expect(message).toMatchObject({
      Body: requestBody("b"),
      MessageAttributes: {
        sender: { DataType: "String", StringValue: "Ada" },
        raw: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 255) },
      },
    });
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([2, 0]);
  });

  it("restarts the time of a prompt that the consumer had re-sent", async () => {
    await pipeline.bury(requestBody("copied", { firstSentMs: 1_700_000_000_000 }));
    await pipeline.run(["dlq", "redrive", "copied"]);
    const [message] = await pipeline.drain();
    expect(JSON.parse(message?.Body ?? "")).toMatchObject({ requestId: "copied", prompt: "Me on top of K2" });
    expect(message?.Body).not.toContain("firstSentMs");
  });

  it("keeps the message group", async () => {
    const sent: unknown[] = [];
    const letter = {
      MessageId: "m",
      ReceiptHandle: "r",
      Body: requestBody("a"),
      MD5OfBody: createHash("md5").update(requestBody("a")).digest("hex"),
      Attributes: { MessageGroupId: "ada", SentTimestamp: "0" },
    };
    const letters = [[letter]];
    await using aws = await startScriptedAws((action, input) => {
      switch (action) {
        case "GetQueueAttributes":
          return {
            status: 200,
            body: { Attributes: { RedrivePolicy: '{"deadLetterTargetArn":"a:0:dlq"}' } },
          };
        case "ReceiveMessage":
          return { status: 200, body: { Messages: letters.shift() ?? [] } };
        case "SendMessage":
          sent.push(JSON.parse(input));
          return { status: 200, body: { MessageId: "n", MD5OfMessageBody: letter.MD5OfBody } };
        default:
          return { status: 200, body: {} };
      }
    });
    expect((await runClient(["dlq", "redrive", "--all"], { env: aws.env })).code).toBe(0);
    expect(sent).toEqual([expect.objectContaining({ MessageBody: requestBody("a"), MessageGroupId: "ada" })]);
  });

  it("gives a plain-text prompt its first message's id, so that its record stays its own", async () => {
    const messageId = await pipeline.bury("Me on top of K2");
    await pipeline.run(["dlq", "redrive", messageId]);
    const [message] = await pipeline.drain();
    expect(message && requestOf(message)).toEqual({ requestId: messageId, prompt: "Me on top of K2" });
  });

  it("makes an edited prompt another request, the same one each time", async () => {
    await buryThree();
    await pipeline.bury(requestBody("a"));
    const edit = ["dlq", "redrive", "a", "--prompt", "Me below K2 🏔"];
    const first = await pipeline.run(edit);
    expect(first).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^a {2}as {2}[0-9a-f]{32}\n$/),
      stderr: "1 redriven.\n",
    });
    expect((await pipeline.run(edit)).stdout).toBe(first.stdout);
    const requests = (await pipeline.drain()).map(requestOf);
    const newId = first.stdout.trim().split("  ").at(-1);
    expect(requests).toEqual([
      expect.objectContaining({ requestId: newId, prompt: "Me below K2 🏔" }),
      expect.objectContaining({ requestId: newId, prompt: "Me below K2 🏔" }),
    ]);
  });

  it("moves nothing in a dry run", async () => {
    await buryThree();
    const { code, stdout, stderr } = await pipeline.run(["dlq", "redrive", "--all", "--dry-run"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "3 would be redriven.\n" });
    expect(stdout.trimEnd().split("\n").toSorted()).toEqual(["a", "b", "c"]);
    expect(await pipeline.depth(pipeline.queueUrl)).toEqual([0, 0]);
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([3, 0]);
  });

  it("keeps to its rate", async () => {
    await buryThree();
    const times: number[] = [];
    await pipeline.run(["dlq", "redrive", "--all", "--rate", "2"], {
      onOutput: () => times.push(Date.now()),
    });
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
  });

  it("says which ids are not there, after redriving those that are", async () => {
    await buryThree();
    expect(await pipeline.run(["dlq", "redrive", "a", "x"])).toEqual({
      code: 1,
      stdout: "a\n",
      stderr:
        "1 redriven.\nNot found in the dead-letter queue: x. See what is there: image-generator-client dlq list\n",
    });
  });

  it.each(["SIGINT", "SIGKILL"] as const)("loses nothing to %s in the middle", async (signal) => {
    const ids = Array.from({ length: 25 }, (_, index) => `id-${index}`);
    for (const id of ids) await pipeline.bury(requestBody(id));
    const first = await pipeline.run(["dlq", "redrive", "--all", "--rate", "20"], {
      onOutput: (stdout, kill) => {
        if (stdout.split("\n").length > 5) kill(signal);
      },
    });
    expect(first.code).toBe(signal === "SIGINT" ? 130 : null);
    const [visible, hidden] = await pipeline.depth(pipeline.deadLetterQueueUrl);
    const [moved] = await pipeline.depth(pipeline.queueUrl);
    expect(visible + hidden).toBeGreaterThan(0);
    expect(visible + hidden + moved).toBeGreaterThanOrEqual(ids.length);
    if (signal === "SIGINT") expect(hidden).toBe(0);
    // What a killed process had taken comes back when its visibility timeout ends.
    clock.advance(MINUTE);
    const again = await pipeline.run(["dlq", "redrive", "--all", "--rate", "1000"]);
    expect(again.stderr).toMatch(/^\d+ redriven\.\n$/);
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([0, 0]);
    expect(new Set(await queuedIds())).toEqual(new Set(ids));
  });
});

describe("dlq purge", () => {
  it("deletes all dead letters with --yes", async () => {
    await buryThree();
    expect(await pipeline.run(["dlq", "purge", "--yes"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "About 3 dead letters deleted. SQS takes up to a minute for it.\n",
    });
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([0, 0]);
  });

  it("asks on a terminal and takes all but yes for no", async () => {
    await buryThree();
    const { code, shown } = await runClientInTerminal(["dlq", "purge"], {
      env: pipeline.env,
      answer: { question: "[y/N]", keys: "no\r" },
    });
    expect(code).toBe(1);
    expect(shown).toMatch(/Delete about 3 dead letters in \S+ for good\? \[y\/N\]/);
    expect(shown).toContain("Nothing was deleted.");
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([3, 0]);
  });
});
