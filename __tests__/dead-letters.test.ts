import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { expect, it, onTestFinished } from "vitest";
import { startCloud } from "../local/cloud.ts";
import { type RunOptions, runClient } from "./support/client.ts";
import { CORE } from "./support/consumer-bench.ts";
import { quickPainter } from "./support/quick-painter.ts";
import { requestBody } from "./support/sample-request.ts";
import { copyStack, settingsWith } from "./support/synthesise.ts";

/** The pipeline, but a prompt has one try, and throttling is not put up with. */
function impatientStack(): string {
  const folder = copyStack(settingsWith({ models: [{ id: CORE, concurrency: 8 }] }));
  const file = join(folder, "cdk.tf.json");
  const changes: readonly (readonly [RegExp, string])[] = [
    [/("maxReceiveCount": )\d+/, "1"],
    [/("RECEIVE_LIMIT": ")\d+/, "1"],
    [/("GIVE_UP_AFTER_SECONDS": ")\d+/, "0.001"],
  ];
  let text = readFileSync(file, "utf8");
  for (const [pattern, value] of changes) {
    expect(text).toMatch(pattern);
    text = text.replace(pattern, `$1${value}`);
  }
  writeFileSync(file, text);
  return folder;
}

it("three prompts that failed for three reasons are listed with them, redriven, and painted once each", async () => {
  const cloud = await startCloud({
    stackDir: impatientStack(),
    port: 0,
    painter: quickPainter,
    trouble: {
      latencyMs: 0,
      script: ["AccessDeniedException", "ThrottlingException", "reset"],
    },
  });
  onTestFinished(() => cloud.stop());
  const client = (args: readonly string[], options: RunOptions = {}) =>
    runClient(args, {
      ...options,
      env: {
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_ENDPOINT_URL: cloud.endpoint,
        SQS_QUEUE_URL: cloud.queueUrl,
      },
    });
  const deadLetters = async () => (await client(["dlq", "list"])).stdout.trimEnd().split("\n").toSorted();

  for (const [index, requestId] of ["denied", "throttled", "cut-off"].entries()) {
    await cloud.sqs.send(
      new SendMessageCommand({
        QueueUrl: cloud.queueUrl,
        MessageBody: requestBody(requestId),
        MessageAttributes: { sender: { DataType: "String", StringValue: "Ada" } },
      }),
    );
    // One after the other, so that each meets its own trouble.
    await expect
      .poll(async () => (await deadLetters()).filter(Boolean), { timeout: 20_000 })
      .toHaveLength(index + 1);
  }
  expect(await deadLetters()).toEqual([
    expect.stringMatching(/^cut-off {2}\S+ {2}failed, TimeoutError: socket hang up$/),
    expect.stringMatching(/^denied {2}\S+ {2}failed, AccessDeniedException: /),
    expect.stringMatching(/^throttled {2}\S+ {2}failed, ThrottlingException: /),
  ]);
  expect(JSON.parse((await client(["dlq", "show", "throttled"])).stdout)).toMatchObject({
    attributes: { sender: { StringValue: "Ada" } },
    record: { status: "failed", attempts: 1 },
  });

  const edited = await client(["dlq", "redrive", "denied", "--prompt", "Me below K2"]);
  expect(edited).toMatchObject({ code: 0, stderr: "1 redriven.\n" });
  const stopped = await client(["dlq", "redrive", "--all", "--rate", "1"], {
    onOutput: (_, kill) => kill("SIGINT"),
  });
  expect(stopped.code).toBe(130);
  expect(await client(["dlq", "redrive", "--all", "--rate", "1"])).toMatchObject({
    code: 0,
    stderr: "1 redriven.\n",
  });

  const newId = edited.stdout.trim().split("  ").at(-1) ?? "";
  const statuses = async () => {
    const { stdout } = await client(["list", "--json"]);
    const records: { requestId: string; status: string }[] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return Object.fromEntries(records.map(({ requestId, status }) => [requestId, status]));
  };
  await expect
    .poll(statuses, { timeout: 20_000 })
    .toEqual({ denied: "failed", throttled: "succeeded", "cut-off": "succeeded", [newId]: "succeeded" });
  expect(await deadLetters()).toEqual([""]);
  expect(cloud.bedrock?.bill).toHaveLength(3);
});
