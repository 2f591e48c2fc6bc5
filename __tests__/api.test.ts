import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { CreateQueueCommand, DeleteQueueCommand } from "@aws-sdk/client-sqs";
import { loadImage } from "@napi-rs/canvas";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FORBIDDEN_WORD } from "../local/model/bedrock.ts";
import { ApiBench, LOCAL_OWNER, localId } from "./support/api-bench.ts";
import { startCallRecorder } from "./support/call-recorder.ts";

const PROMPT = { prompt: "Norwegian mountain landscape with sunset" };
const WAIT = { prefer: "wait=20" };

describe("a prompt", () => {
  let api: ApiBench;
  beforeAll(async () => {
    api = await ApiBench.start();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it("is accepted at once, with a place to look and a time to look again", async () => {
    const { status, headers, body } = await api.generate(PROMPT);
    expect(status).toBe(202);
    expect(headers.get("location")).toBe(`/requests/${body.requestId}`);
    expect(headers.get("retry-after")).toBe("10");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toMatchObject({ ...PROMPT, status: "queued", attempts: 0, estimatedWaitSeconds: 10 });
    for (const internal of ["owner", "lease", "codeVersion", "bucket"]) {
      expect(JSON.stringify(body)).not.toContain(`"${internal}"`);
    }
  });

  it("is expected to take as long as the latest pictures took", async () => {
    await using quick = await ApiBench.start();
    await quick.generate(PROMPT, WAIT);
    // A warm consumer can begin with the next prompt before the API has answered.
    await Promise.all(quick.cloud.eventSources.map((source) => source.disable()));
    const { headers, body } = await quick.generate(PROMPT);
    expect(body).toMatchObject({ queuePosition: 1, estimatedWaitSeconds: 1 });
    expect(headers.get("retry-after")).toBe("1");
  });

  it("has a path that always leads to its picture, and to nobody else's", async () => {
    const { body } = await api.generate(PROMPT, WAIT);
    const path = `/requests/${body.requestId}/image`;
    const redirect = await fetch(`${api.url}${path}`, { redirect: "manual" });
    expect(redirect.status).toBe(302);
    expect(redirect.headers.get("cache-control")).toBe("no-store");
    const picture = await fetch(redirect.headers.get("location") ?? "");
    expect(picture.headers.get("content-type")).toBe("image/png");
    const ben = { authorization: "AWS4-HMAC-SHA256 Credential=ben/1/r/execute-api/aws4_request" };
    expect((await api.call(path, { headers: ben })).status).toBe(404);
  });

  it("becomes a picture that can be downloaded from the place it was told", async () => {
    const { headers } = await api.generate(PROMPT);
    const { status, body } = await api.call(headers.get("location") ?? "", { headers: WAIT });
    expect(status).toBe(200);
    expect(body.status).toBe("succeeded");
    const picture = await fetch(body.imageUrl ?? "");
    expect(picture.headers.get("content-type")).toBe("image/png");
    await expect(loadImage(Buffer.from(await picture.arrayBuffer()))).resolves.toMatchObject({ width: 1024 });
  });

  it("is answered with its picture when the caller prefers to wait", async () => {
    const { status, headers, body } = await api.generate(PROMPT, WAIT);
    expect(status).toBe(200);
    expect(headers.get("preference-applied")).toBe("wait=20");
    expect(headers.get("retry-after")).toBeNull();
    expect(body).toMatchObject({
      status: "succeeded",
      imageUrl: expect.stringContaining("X-Amz-Expires=900"),
    });
  });

  it("comes with the time at which the link to its picture ends", async () => {
    const before = Date.now();
    const { body } = await api.generate(PROMPT, WAIT);
    const linkSeconds = (Date.parse(String(body.imageUrlExpiresAt)) - before) / 1000;
    expect(linkSeconds).toBeGreaterThan(899);
    expect(linkSeconds).toBeLessThan(930);
  });

  it("that the model refuses ends as rejected, with the reason", async () => {
    const { status, body } = await api.generate({ prompt: `a ${FORBIDDEN_WORD}` }, WAIT);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "rejected", reason: { code: "ContentFilter" } });
  });

  it("sent twice under one Idempotency-Key is one request, painted once", async () => {
    const key = { "idempotency-key": randomUUID() };
    const paidBefore = api.paid;
    const [first, second] = await Promise.all([api.generate(PROMPT, key), api.generate(PROMPT, key)]);
    const finished = await api.generate(PROMPT, { ...key, ...WAIT });
    expect(finished.status).toBe(200);
    expect([first, second, finished].map(({ body }) => body.requestId)).toEqual(
      Array(3).fill(localId(key["idempotency-key"])),
    );
    expect(second.body.seed).toBe(first.body.seed);
    expect(api.paid - paidBefore).toBe(1);
  });

  it("that was recorded, but never sent because its sender died, is painted once when it comes again", async () => {
    const key = randomUUID();
    const requestId = localId(key);
    const record = {
      ...{ ...PROMPT, requestId, aspectRatio: "1:1", outputFormat: "png", seed: 7 },
      ...{ status: "queued", attempts: 0, codeVersion: "test", owner: LOCAL_OWNER },
      timings: { queuedAt: new Date(0).toISOString() },
    };
    await api.cloud.s3.send(
      new PutObjectCommand({
        Bucket: api.cloud.bucket,
        Key: `requests/${requestId}.json`,
        Body: JSON.stringify(record),
      }),
    );
    const paidBefore = api.paid;
    const headers = { "idempotency-key": key };
    await Promise.all([api.generate(PROMPT, headers), api.generate(PROMPT, headers)]);
    const { status, body } = await api.generate(PROMPT, { ...headers, ...WAIT });
    expect(status).toBe(200);
    expect(body).toMatchObject({ requestId, status: "succeeded", seed: 7 });
    expect(api.paid - paidBefore).toBe(1);
  });

  it("is not in any log", async () => {
    await api.generate({ prompt: "the secret wish of somebody" }, WAIT);
    expect(api.lines.filter((line) => line.includes('"queued"'))).not.toEqual([]);
    expect(api.lines.filter((line) => line.includes("secret wish"))).toEqual([]);
  });
});

describe("without a queue", () => {
  it("a prompt is answered with 503 and recorded as failed; the same request works once the queue is back", async () => {
    await using api = await ApiBench.start();
    const { sqs, queueUrl, stack } = api.cloud;
    const key = { "idempotency-key": "again" };
    await sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl }));

    const refused = await api.generate(PROMPT, key);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect((await api.call(`/requests/${localId("again")}`)).body).toMatchObject({
      status: "failed",
      reason: { code: "NotQueued" },
    });

    const queue = stack.queues.find(({ url }) => url === queueUrl);
    await sqs.send(new CreateQueueCommand({ QueueName: queue?.name, Attributes: { ...queue?.attributes } }));
    const accepted = await api.generate(PROMPT, { ...key, ...WAIT });
    expect(accepted.body).toMatchObject({ requestId: localId("again"), status: "succeeded", attempts: 1 });
  });
});

describe("without a bucket", () => {
  it("a prompt that was accepted before is still answered with its place, after the wait", async () => {
    await using api = await ApiBench.start({ consumer: false });
    const { s3, bucket, events } = api.cloud;
    const requestId = localId("accepted");
    const answer = api.generate(PROMPT, { "idempotency-key": "accepted", prefer: "wait=3" });
    while (!api.lines.some((line) => line.includes('"event":"queued"'))) await once(events, "line");
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    await s3.send(new DeleteBucketCommand({ Bucket: bucket }));

    const { status, headers, body } = await answer;
    expect(status).toBe(202);
    expect(headers.get("location")).toBe(`/requests/${requestId}`);
    expect(body).toMatchObject({ requestId, status: "queued" });
    const warning = api.lines.find((line) => line.includes('"record poll failed"'));
    expect(warning).toContain(`"requestId":"${requestId}"`);
    expect(warning).toContain("NoSuchBucket");
  });
});

describe("with a bucket that hangs", () => {
  it("a prompt that was accepted before is still answered with its place, after the wait", async () => {
    await using api = await ApiBench.start({ consumer: false, timeoutSeconds: 8 });
    await using harmed = await startCallRecorder(api.cloud, ({ action }) =>
      action === "s3:GetObject" ? "hang before" : undefined,
    );
    const { status, headers } = await fetch(`${harmed.apiUrl}/generate`, {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "wait=3" },
      body: JSON.stringify(PROMPT),
    });
    expect(status).toBe(202);
    expect(headers.get("location")).toMatch(/^\/requests\//);
  });
});

describe("with nobody to paint", () => {
  let api: ApiBench;
  beforeAll(async () => {
    api = await ApiBench.start({ consumer: false, timeoutSeconds: 8 });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it("a wait longer than the function may take is shortened, and the answer says so", async () => {
    const { status, headers } = await api.generate(PROMPT, { prefer: "wait=600" });
    expect(status).toBe(202);
    // Eight seconds, less those that it keeps for the answer and those that have passed.
    expect(headers.get("preference-applied")).toMatch(/^wait=[1-4]$/);
  });

  it("the path of a picture that is still to come says so, and when to ask again", async () => {
    const { body } = await api.generate(PROMPT);
    const answer = await api.call(`/requests/${body.requestId}/image`);
    expect(answer.status).toBe(404);
    expect(answer.body.detail).toBe("The request has no picture: it is queued.");
    expect(answer.headers.get("retry-after")).toBe("2");
  });

  it("the estimate grows with the queue, and a wait that is hopeless is left out", async () => {
    const waiting = await api.waiting();
    await Promise.all(Array.from({ length: 16 }, () => api.generate(PROMPT)));
    const { status, headers, body } = await api.generate(PROMPT, { prefer: "wait=1" });
    // Eight pictures at once, each taking about ten seconds.
    const rounds = Math.floor((waiting + 16) / 8) + 1;
    expect(status).toBe(202);
    expect(body).toMatchObject({ queuePosition: waiting + 17, estimatedWaitSeconds: rounds * 10 });
    expect(headers.get("retry-after")).toBe(String(rounds * 10));
    expect(headers.get("preference-applied")).toBeNull();
  });

  it("the health tells how many prompts wait", async () => {
    const waiting = await api.waiting();
    expect((await api.call("/health")).body).toEqual({
      waitingPrompts: waiting,
      estimatedWaitSeconds: (Math.floor(waiting / 8) + 1) * 10,
    });
  });
});

it("the health counts a prompt that is being painted: it is before the next one", async () => {
  await using api = await ApiBench.start({ consumer: false });
  await api.generate({ prompt: "K2" });
  await api.receive();
  expect((await api.call("/health")).body).toMatchObject({ waitingPrompts: 1 });
});

describe("on the queue", () => {
  it("a prompt is as it was asked for, with its id and seed", async () => {
    await using api = await ApiBench.start({ consumer: false });
    const asked = { prompt: "K2", negativePrompt: "fog", aspectRatio: "16:9", seed: 7, outputFormat: "jpeg" };
    await api.generate({ ...asked, requestId: "k2" });
    expect(JSON.parse((await api.receive()).Body ?? "")).toEqual({ ...asked, requestId: localId("k2") });
  });
});
