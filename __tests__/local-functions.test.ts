// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform references look like this
import { fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SendMessageBatchCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Cloud } from "../local/cloud.ts";
import type { BatchReport } from "../local/lambda/event-source.ts";
import { type SmallStack, smallCloud } from "./support/small-cloud.ts";

async function workerOf(cloud: Cloud) {
  const worker = cloud.functions.get("worker");
  if (worker === undefined) throw new Error("The test stack has no worker.");
  return worker;
}

/** Starts a cloud with this code and invokes it once, without the queue. */
async function invoke(code: string, event: unknown = {}, fn: SmallStack["fn"] = {}) {
  return (await workerOf(await smallCloud({ code, fn }))).invoke(event);
}

async function send(cloud: Cloud, ...bodies: string[]): Promise<string[]> {
  const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
  const { Successful = [] } = await cloud.sqs.send(
    new SendMessageBatchCommand({ QueueUrl: cloud.queueUrl, Entries }),
  );
  return Successful.map(({ MessageId = "" }) => MessageId);
}

/** Collects what the event source reports until so many messages went through the function. */
async function batches(cloud: Cloud, messages: number): Promise<BatchReport[]> {
  const reports: BatchReport[] = [];
  const { promise, resolve } = Promise.withResolvers<BatchReport[]>();
  cloud.events.on("batch", (report) => {
    reports.push(report);
    if (reports.flatMap(({ messageIds }) => messageIds).length >= messages) resolve(reports);
  });
  return promise;
}

async function firstBatch(stack: SmallStack): Promise<BatchReport> {
  const cloud = await smallCloud(stack);
  const report = batches(cloud, 1);
  await send(cloud, "one");
  const [batch] = await report;
  if (batch === undefined) throw new Error("No batch was reported.");
  return batch;
}

describe("a function on this machine", () => {
  it("gets the stack's variables and the emulators' addresses, and nothing of the host's", async () => {
    vi.stubEnv("AWS_PROFILE", "production");
    vi.stubEnv("SECRET_OF_THE_HOST", "1");
    onTestFinished(() => void vi.unstubAllEnvs());
    const cloud = await smallCloud({ code: "export const handler = async () => process.env;" });
    const outcome = await (await workerOf(cloud)).invoke({});
    expect(outcome).toEqual({
      type: "result",
      payload: {
        BUCKET: "images",
        AWS_REGION: "eu-west-1",
        AWS_LAMBDA_FUNCTION_NAME: "worker",
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
        AWS_LAMBDA_LOG_FORMAT: "JSON",
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_ENDPOINT_URL_LAMBDA: cloud.endpoint,
        AWS_ENDPOINT_URL_SQS: cloud.endpoint,
        AWS_ENDPOINT_URL_SNS: cloud.endpoint,
        AWS_ENDPOINT_URL_S3: cloud.endpoint,
        AWS_ENDPOINT_URL_EVENTBRIDGE: cloud.endpoint,
        AWS_SESSION_TOKEN: expect.any(String),
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: cloud.bedrock?.endpoint,
        HOME: expect.any(String),
        LAMBDA_TASK_ROOT: expect.any(String),
        TZ: ":UTC",
        _HANDLER: "index.handler",
        _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=.*;Lineage=[0-9a-f]{8}:1$/),
      },
    });
  });

  it("is killed at its timeout, and the next invocation gets a new environment", async () => {
    const cloud = await smallCloud({
      code: "export const handler = async ({ hang }) => { while (hang) {} return process.pid; };",
      fn: { timeout: 1 },
    });
    const worker = await workerOf(cloud);
    const before = await worker.invoke({});
    expect(await worker.invoke({ hang: true })).toMatchObject({
      type: "error",
      error: {
        errorType: "Sandbox.Timedout",
        errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/),
      },
    });
    const after = await worker.invoke({});
    expect(after).toMatchObject({ type: "result" });
    expect(after).not.toEqual(before);
  });

  it("ends what is under way on the old code when it is updated, and runs the new code from then on", async () => {
    const code = (version: string) =>
      `export const handler = ({ ms }) => new Promise((done) => setTimeout(done, ms, "${version}"));`;
    const worker = await workerOf(await smallCloud({ code: code("old") }));
    const [busy, idle] = [worker.invoke({ ms: 1000 }), worker.invoke({ ms: 0 })];
    await idle;
    const zipFile = join(await mkdtemp(join(tmpdir(), "changed-")), "code.zip");
    await writeFile(zipFile, zipSync({ "index.mjs": strToU8(code("new")) }));
    await worker.update({ ...worker.spec, zipFile });
    expect(await worker.invoke({ ms: 0 })).toEqual({ type: "result", payload: "new" });
    expect(await busy).toEqual({ type: "result", payload: "old" });
    expect(await worker.invoke({ ms: 0 })).toEqual({ type: "result", payload: "new" });
  });

  it("knows how much of its time is left", async () => {
    const code = "export const handler = async (_, context) => context.getRemainingTimeInMillis();";
    const outcome = await invoke(code, {}, { timeout: 60 });
    expect(outcome).toEqual({ type: "result", payload: expect.closeTo(60_000, -4) });
  });

  it("keeps what it loaded for the next invocation", async () => {
    const cloud = await smallCloud({ code: "let calls = 0; export const handler = async () => ++calls;" });
    const worker = await workerOf(cloud);
    const initTimes: unknown[] = [];
    cloud.events.on("invocation", ({ initMs }) => initTimes.push(initMs));
    await worker.invoke({});
    expect(await worker.invoke({})).toEqual({ type: "result", payload: 2 });
    expect(initTimes).toEqual([expect.any(Number), undefined]);
  });

  it.each([
    ["throws", "throw new RangeError('too far')", { errorType: "RangeError", errorMessage: "too far" }],
    ["throws a string", "throw 'oops'", { errorType: "string", errorMessage: "oops" }],
    [
      "leaves the process",
      "process.exit(3)",
      { errorType: "Runtime.ExitError", errorMessage: expect.stringContaining("exit status 3") },
    ],
  ])("reports a function error when it %s", async (_, statement, error) => {
    const outcome = await invoke(`export const handler = async () => { ${statement}; };`);
    expect(outcome).toMatchObject({ type: "error", error });
  });

  it("reports a function error when it cannot be loaded", async () => {
    expect(await invoke("export const other = 1;")).toMatchObject({
      type: "error",
      error: { errorType: "Runtime.HandlerNotFound" },
    });
  });

  it("is throttled above its reserved concurrency", async () => {
    const cloud = await smallCloud({
      code: "export const handler = () => new Promise((resolve) => setTimeout(resolve, 300));",
      fn: { reserved_concurrent_executions: 2 },
    });
    const worker = await workerOf(cloud);
    const outcomes = await Promise.all([1, 2, 3].map((event) => worker.invoke(event)));
    expect(outcomes.map(({ type }) => type).sort()).toEqual(["result", "result", "throttled"]);
  });

  it("logs as Lambda does in JSON", async () => {
    const cloud = await smallCloud({
      code: "export const handler = async () => { console.warn('slow: %d', 7); };",
    });
    const line = once(cloud.events, "line");
    await (await workerOf(cloud)).invoke({});
    const [{ line: text }] = await line;
    expect(JSON.parse(text)).toEqual({
      timestamp: expect.stringMatching(/Z$/),
      level: "WARN",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      message: "slow: 7",
    });
  });

  it("leaves no process behind when the cloud stops", async () => {
    const cloud = await smallCloud({ code: "export const handler = async () => process.pid;" });
    const outcome = await (await workerOf(cloud)).invoke({});
    await cloud.stop();
    const pid = outcome.type === "result" ? Number(outcome.payload) : 0;
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});

it("ends an environment with its parent, whatever keeps the function busy", async () => {
  const codeDirectory = await mkdtemp(join(tmpdir(), "local-functions-"));
  onTestFinished(() => rm(codeDirectory, { recursive: true, force: true }));
  const code = "setInterval(() => {}, 1000); export const handler = async () => {};";
  await writeFile(join(codeDirectory, "index.mjs"), code);
  const child = fork("local/lambda/lambda-runtime.ts");
  onTestFinished(() => void child.kill("SIGKILL"));
  const ready = once(child, "message");
  child.send({ codeDirectory, handler: "index.handler", functionName: "worker", logFormat: "JSON" });
  await ready;
  const exit = once(child, "exit");
  child.disconnect();
  expect(await exit).toEqual([0, null]);
});

it("ends a frozen environment with its parent, however that dies", async () => {
  const codeDirectory = await mkdtemp(join(tmpdir(), "local-functions-"));
  onTestFinished(() => rm(codeDirectory, { recursive: true, force: true }));
  await writeFile(join(codeDirectory, "index.mjs"), "export const handler = async () => process.pid;");
  const settings = { codeDirectory, handler: "index.handler", functionName: "worker", memoryMb: 128 };
  const script = `
    import { LambdaEnvironment } from "./local/lambda/lambda-environment.ts";
    const settings = ${JSON.stringify({ ...settings, logFormat: "JSON" })};
    const environment = new LambdaEnvironment({ settings, variables: {}, onLine: () => {} });
    await environment.init();
    const deadline = Date.now() + 60_000;
    const { payload } = await environment.invoke({ requestId: "1", event: {}, deadline, traceHeader: "" });
    console.log(payload);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script]);
  const [pid] = await once(createInterface({ input: parent.stdout }), "line");
  const state = () => spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout.trim();
  expect(state()).toMatch(/^T/);
  parent.kill("SIGKILL");
  await vi.waitUntil(() => /^Z|^$/.test(state()), { timeout: 20_000 });
});

describe("the event source of a queue", () => {
  it("hands over messages in the shape of an SQS event", async () => {
    const cloud = await smallCloud({ code: "export const handler = async (event) => ({ event });" });
    const invoked = once(cloud.events, "invocation");
    const { MessageId } = await cloud.sqs.send(
      new SendMessageCommand({
        QueueUrl: cloud.queueUrl,
        MessageBody: "Me on top of K2",
        MessageAttributes: { source: { DataType: "String", StringValue: "test" } },
      }),
    );
    const [report] = await invoked;
    expect(report.outcome.payload.event).toEqual({
      Records: [
        {
          messageId: MessageId,
          receiptHandle: expect.any(String),
          body: "Me on top of K2",
          md5OfBody: "a83f613bfff4987ee01ad02b48b52a9d",
          attributes: {
            ApproximateReceiveCount: "1",
            ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
            SentTimestamp: expect.stringMatching(/^\d{13}$/),
            SenderId: expect.any(String),
          },
          messageAttributes: {
            source: { stringValue: "test", dataType: "String", stringListValues: [], binaryListValues: [] },
          },
          eventSource: "aws:sqs",
          eventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:prompts",
          awsRegion: "eu-west-1",
        },
      ],
    });
  });

  it("deletes what succeeded and brings back only what failed", async () => {
    const cloud = await smallCloud({
      code: `export const handler = async ({ Records }) => ({
        batchItemFailures: Records.filter(({ body }) => body === "bad").map((r) => ({ itemIdentifier: r.messageId })),
      });`,
      // Longer than a busy machine takes to start the function.
      queue: { visibility_timeout_seconds: 4 },
      maxReceiveCount: 2,
    });
    const reported = batches(cloud, 4);
    const [good, bad = "", fine] = await send(cloud, "good", "bad", "fine");
    await cloud.spy.waitForMessageWithId(bad, "dlq");
    const reports = await reported;
    expect(reports.flatMap(({ failedMessageIds }) => failedMessageIds)).toEqual([bad, bad]);
    expect(reports.flatMap(({ messageIds }) => messageIds).sort()).toEqual([good, bad, fine, bad].sort());
  });

  it("moves a message to the dead-letter queue when the function fails every time", async () => {
    const cloud = await smallCloud({
      code: "export const handler = async () => { throw new Error('no'); };",
      queue: { visibility_timeout_seconds: 0 },
      maxReceiveCount: 3,
    });
    const reported = batches(cloud, 3);
    const [id = ""] = await send(cloud, "hopeless");
    await cloud.spy.waitForMessageWithId(id, "dlq");
    expect((await reported).map(({ failedMessageIds }) => failedMessageIds)).toEqual([[id], [id], [id]]);
  });

  it.each([
    ["nothing", "undefined"],
    ["null", "null"],
    ["an empty object", "{}"],
    ["an empty list", "{ batchItemFailures: [] }"],
    ["no list", "{ batchItemFailures: null }"],
  ])("takes %s for a success of the whole batch", async (_, response) => {
    const report = await firstBatch({ code: `export const handler = async () => (${response});` });
    expect(report.failedMessageIds).toEqual([]);
  });

  it.each([
    ["an unknown message", "{ batchItemFailures: [{ itemIdentifier: 'nobody' }] }"],
    ["an empty id", "{ batchItemFailures: [{ itemIdentifier: '' }] }"],
    ["a null id", "{ batchItemFailures: [{ itemIdentifier: null }] }"],
    ["a wrong key", "{ batchItemFailures: [{ id: 'x' }] }"],
    ["a string", "'done'"],
  ])("takes %s for a failure of the whole batch", async (_, response) => {
    const report = await firstBatch({ code: `export const handler = async () => (${response});` });
    expect(report.failedMessageIds).toEqual(report.messageIds);
  });

  it("ignores reported failures unless the mapping asks for them", async () => {
    const report = await firstBatch({
      code: `export const handler = async ({ Records }) => ({
        batchItemFailures: Records.map((r) => ({ itemIdentifier: r.messageId })),
      });`,
      mapping: { function_response_types: [] },
    });
    expect(report.failedMessageIds).toEqual([]);
  });

  it("never has more invocations under way than its maximum concurrency, and uses all of it", async () => {
    const cloud = await smallCloud({
      // The first ones wait for each other: however slowly this machine starts them, three are under way at once.
      code: `import { readdirSync, writeFileSync } from "node:fs";
      import { setTimeout } from "node:timers/promises";
      const begun = ${JSON.stringify(await mkdtemp(join(tmpdir(), "begun-")))};
      export const handler = async (event) => {
        const start = Date.now();
        writeFileSync(begun + "/" + event.Records[0].messageId, "");
        while (readdirSync(begun).length < 3) await setTimeout(10);
        await setTimeout(100);
        return { start, end: Date.now() };
      };`,
      mapping: { batch_size: 1, scaling_config: [{ maximum_concurrency: 3 }], function_response_types: [] },
    });
    const spans: { readonly start: number; readonly end: number }[] = [];
    cloud.events.on("invocation", ({ outcome }) => {
      if (outcome.type === "result") spans.push(JSON.parse(JSON.stringify(outcome.payload)));
    });
    const done = batches(cloud, 10);
    await send(cloud, ...Array.from({ length: 10 }, (_, index) => `prompt ${index}`));
    await done;
    const atOnce = spans.map(
      ({ start }) => spans.filter((span) => span.start <= start && start < span.end).length,
    );
    expect(Math.max(...atOnce)).toBe(3);
  });

  it("waits for a fuller batch as long as its window is open", async () => {
    const cloud = await smallCloud({
      code: "export const handler = async () => {};",
      mapping: { batch_size: 3, maximum_batching_window_in_seconds: 20 },
    });
    const reported = batches(cloud, 3);
    const ids = [await send(cloud, "one"), await send(cloud, "two"), await send(cloud, "three")].flat();
    expect((await reported).map(({ messageIds }) => messageIds)).toEqual([ids]);
  });
});
