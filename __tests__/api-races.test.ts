import { S3Client } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Intake } from "../functions/api/intake.ts";
import { Images } from "../functions/domain/images.ts";
import { Ledger } from "../functions/domain/ledger.ts";
import { ObjectStore } from "../functions/domain/object-store.ts";
import { RecordStore } from "../functions/domain/record-store.ts";
import { RequestIndex } from "../functions/domain/request-index.ts";
import { type Emulator, startEmulator } from "../local/aws/emulator.ts";

const BUCKET = "pictures";
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0, region: "eu-west-1" });
  emulator.ensureBucket(BUCKET);
});
afterAll(() => emulator.stop());

/** The API's intake of one request, and a consumer that comes in between. */
async function intakeOn(queue: string, requestId: string) {
  const queueUrl = `${emulator.endpoint}/000000000000/${queue}`;
  const arn = `arn:aws:sqs:eu-west-1:000000000000:${queue}`;
  await emulator.ensureQueue({ name: queue, url: queueUrl, arn, attributes: {}, tags: {} });
  const client = {
    endpoint: emulator.endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  };
  const request = { prompt: "K2", requestId, aspectRatio: "1:1", outputFormat: "png" } as const;
  const store = new ObjectStore(new S3Client(client), BUCKET);
  const images = new Images(store, "");
  const ledger = new Ledger({ store, images, keyPrefix: "", leaseMs: 150_000, codeVersion: "test" });
  const sqs = new SQSClient(client);
  const s3 = new S3Client(client);
  const records = new RecordStore(new ObjectStore(s3, BUCKET), "");
  const intake = new Intake({
    records,
    index: new RequestIndex(store, ""),
    sqs,
    queueUrl,
    codeVersion: "test",
  });
  return {
    sqs,
    s3,
    /** Takes the request as the consumer does. */
    claim: () => ledger.claim(request, new Date()),
    fail: async () => {
      const result = await ledger.claim(request, new Date());
      if (result.kind !== "claimed") throw new Error(`it is ${result.kind}`);
      const reason = { code: "ModelTimeout", message: "no answer in time" };
      await ledger.fail(result.claim, ledger.failure(result.claim, reason));
    },
    accept: () => intake.accept([request], JSON.stringify(request), { group: "a-caller", owner: undefined }),
    messages: async () => {
      const { Attributes } = await new SQSClient(client).send(
        new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["All"] }),
      );
      return Number(Attributes?.ApproximateNumberOfMessages);
    },
  };
}

it("a prompt that arrived although the queue answered with an error is accepted, not refused", async () => {
  const { sqs, claim, accept, messages } = await intakeOn("errors", "arrived");
  sqs.middlewareStack.add(
    (next) => async (call) => {
      await next(call);
      await claim();
      throw new Error("no answer");
    },
    { step: "initialize" },
  );
  expect(await accept()).toMatchObject({
    kind: "accepted",
    records: [{ requestId: "arrived", status: "generating" }],
  });
  expect(await messages()).toBe(1);
});

it("a failed request that is asked for again, and that a redriven message takes first, is not sent once more", async () => {
  const { s3, claim, fail, accept, messages } = await intakeOn("races", "redriven");
  await fail();
  s3.middlewareStack.add(
    (next) => async (call) => {
      if ("IfMatch" in call.input) await claim();
      return next(call);
    },
    { step: "initialize" },
  );
  expect(await accept()).toMatchObject({
    kind: "accepted",
    records: [{ requestId: "redriven", status: "generating" }],
  });
  expect(await messages()).toBe(0);
});

it("a hundred repeats send one message, those at the same time included, and each is accepted", async () => {
  const { accept, messages } = await intakeOn("repeats", "repeated");
  const answers = await Promise.all(Array.from({ length: 10 }, () => accept()));
  for (let count = 10; count < 100; count++) answers.push(await accept());
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["accepted"]));
  expect(await messages()).toBe(1);
});

it("repeats of a request whose sender died before it sent are accepted only once one of them has sent it", async () => {
  const { sqs, accept, messages } = await intakeOn("dead-senders", "orphan");
  let deaths = 0;
  sqs.middlewareStack.add(
    (next) => async (call) => {
      // A function that is frozen or cut off: it neither sends nor answers.
      if (deaths++ === 0) return new Promise(() => {});
      return next(call);
    },
    { step: "initialize" },
  );
  void accept();
  await expect.poll(() => deaths).toBe(1);
  const answers = await Promise.all(Array.from({ length: 10 }, () => accept()));
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["accepted"]));
  expect(await messages()).toBe(1);
}, 30_000);
