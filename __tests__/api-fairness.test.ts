import { S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, it, onTestFinished } from "vitest";
import { callerGroup } from "../functions/api/caller.ts";
import type { HttpRequest } from "../functions/api/http.ts";
import { Intake } from "../functions/api/intake.ts";
import { ObjectStore } from "../functions/domain/object-store.ts";
import { RecordStore } from "../functions/domain/record-store.ts";
import { RequestIndex } from "../functions/domain/request-index.ts";
import { startEmulator } from "../local/aws/emulator.ts";
import { type Authorizer, requestOf } from "./support/http-request.ts";

const iam = (name: string): Authorizer => ({ iam: { callerId: `AIDA${name}` } });
const jwt = (sub: string): Authorizer => ({ jwt: { claims: { sub } } });

it.each<[string, HttpRequest, HttpRequest, HttpRequest]>([
  ["signature", requestOf(iam("alice")), requestOf(iam("alice"), "192.0.2.9"), requestOf(iam("bob"))],
  ["token", requestOf(jwt("alice")), requestOf(jwt("alice"), "192.0.2.9"), requestOf(jwt("bob"))],
  [
    "address",
    requestOf(undefined, "192.0.2.1"),
    requestOf(undefined, "192.0.2.1"),
    requestOf(undefined, "192.0.2.2"),
  ],
])("callers are told apart by their %s, and SQS gets to see a hash", (_, one, same, other) => {
  expect(callerGroup(one)).toMatch(/^[0-9a-f]{64}$/);
  expect(callerGroup(same)).toBe(callerGroup(one));
  expect(callerGroup(other)).not.toBe(callerGroup(one));
});

it("a message is sent with its caller's group, so that a noisy caller does not keep the others waiting", async () => {
  const emulator = await startEmulator({ port: 0, region: "eu-west-1" });
  onTestFinished(() => emulator.stop());
  const queueUrl = `${emulator.endpoint}/000000000000/prompts`;
  await emulator.ensureQueue({
    name: "prompts",
    url: queueUrl,
    arn: "arn:aws:sqs:eu-west-1:000000000000:prompts",
    attributes: {},
    tags: {},
  });
  emulator.ensureBucket("pictures");
  const client = {
    endpoint: emulator.endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
  const sqs = new SQSClient(client);
  // The emulator forgets the group of a message on a standard queue: look at what is sent.
  const groups: unknown[] = [];
  sqs.middlewareStack.add(
    (next) => (call) => {
      groups.push(
        new SendMessageCommand({ QueueUrl: "", MessageBody: "", ...call.input }).input.MessageGroupId,
      );
      return next(call);
    },
    { step: "initialize" },
  );
  const store = new ObjectStore(new S3Client(client), "pictures");
  const records = new RecordStore(store, "");
  const intake = new Intake({
    records,
    index: new RequestIndex(store, ""),
    sqs,
    queueUrl,
    codeVersion: "test",
  });
  const request = { prompt: "K2", requestId: "k2", aspectRatio: "1:1", outputFormat: "png" } as const;
  await expect(
    intake.accept([request], JSON.stringify(request), { group: "the group", owner: undefined }),
  ).resolves.toMatchObject({
    kind: "accepted",
  });
  expect(groups).toEqual(["the group"]);
});
