import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GetObjectCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { GeneratingRecord } from "../functions/domain/record.ts";
import { QuietPipeline, temporaryFolder } from "./support/client.ts";
import { askedRecord } from "./support/sample-request.ts";

let pipeline: QuietPipeline;
beforeAll(async () => {
  pipeline = await QuietPipeline.start();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

function generating(requestId: string, leaseEndsInMs?: number): GeneratingRecord {
  const now = new Date().toISOString();
  const lease =
    leaseEndsInMs === undefined
      ? null
      : { owner: "somebody", expiresAt: new Date(Date.now() + leaseEndsInMs).toISOString() };
  return {
    ...askedRecord(requestId),
    status: "generating",
    timings: { queuedAt: now, startedAt: now },
    lease,
  };
}

function fileOf(text: string): string {
  const file = join(temporaryFolder(), "ids.txt");
  writeFileSync(file, text);
  return file;
}

const recordOf = async (requestId: string) => {
  const { Body } = await pipeline.s3.send(
    new GetObjectCommand({ Bucket: "pictures", Key: `trips/requests/${requestId}.json` }),
  );
  return JSON.parse((await Body?.transformToString()) ?? "");
};

it("cancels what waits, also what has no record yet, and says of the rest why not", async () => {
  await pipeline.putRecord(generating("waits"));
  await pipeline.putRecord(generating("painting", 60_000));
  const { code, stdout, stderr } = await pipeline.run(["cancel", "waits", "unread", "painting"]);
  expect(stdout.trim().split("\n").toSorted()).toEqual([
    expect.stringMatching(/^painting {2}is being painted, until 2\S+ at the latest$/),
    "unread  cancelled",
    "waits  cancelled",
  ]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "2 of 3 cancelled.\n" });
  expect(await recordOf("waits")).toMatchObject({ status: "cancelled", prompt: "Me on top of K2" });
  expect(await recordOf("unread")).toMatchObject({ status: "cancelled" });
});

it("cancels a whole burst from the file that send printed", async () => {
  const file = fileOf(Array.from({ length: 60 }, (_, index) => `burst-${index}  message-id\n`).join("\n"));
  const { code, stderr } = await pipeline.run(["cancel", "--file", file]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "60 of 60 cancelled.\n" });
  expect(await recordOf("burst-59")).toMatchObject({ status: "cancelled" });
});

it("deletes a request with its picture and its dead letter, and leaves the other dead letters", async () => {
  await pipeline.putRecord(generating("to-delete"));
  await pipeline.put("trips/images/to-delete.png", "picture");
  await pipeline.bury(JSON.stringify({ requestId: "to-delete", prompt: "a secret fjord" }));
  await pipeline.bury(JSON.stringify({ requestId: "another", prompt: "a lake" }));
  const { code, stderr, stdout } = await pipeline.run(["delete", "to-delete"]);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: "to-delete  deleted\n",
    stderr: "1 of 1 deleted.\n1 removed from the dead-letter queue.\n",
  });
  const { Versions = [] } = await pipeline.s3.send(new ListObjectVersionsCommand({ Bucket: "pictures" }));
  expect(Versions.flatMap(({ Key = "" }) => (Key.includes("to-delete") ? [Key] : []))).toEqual([
    "trips/requests/to-delete.json",
  ]);
  const { Messages = [] } = await pipeline.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: pipeline.deadLetterQueueUrl, MaxNumberOfMessages: 10 }),
  );
  expect(Messages.map(({ Body }) => JSON.parse(Body ?? "").requestId)).toEqual(["another"]);
});

it.each([
  ["no id and no file", ["cancel"], "Give request ids or --file."],
  ["an id that is none", ["delete", "no.id"], "no.id is not a request id"],
  ["a file that is not there", ["cancel", "--file", "/nowhere"], "Cannot read /nowhere: no such file"],
])("refuses %s", async (_, args, message) => {
  const { code, stderr } = await pipeline.run(args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});

it("refuses a file with a wrong line before anything is done, and names the line", async () => {
  const { code, stderr } = await pipeline.run(["cancel", "--file", fileOf("fine-1\n\nno.id\n")]);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/ids\.txt, line 3: no\.id is not a request id/)]);
  await expect(recordOf("fine-1")).rejects.toMatchObject({ name: "NoSuchKey" });
});

it("gives each prompt that it sends a deadline", async () => {
  expect(await pipeline.run(["Me on top of K2", "--expires-in", "600"])).toMatchObject({ code: 0 });
  const { Messages = [] } = await pipeline.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: pipeline.queueUrl }),
  );
  expect(JSON.parse(Messages[0]?.Body ?? "")).toMatchObject({ expiresInSeconds: 600 });
  expect(await pipeline.run(["K2", "--expires-in", "0"])).toMatchObject({ code: 2 });
});
