import { once } from "node:events";
import { DeleteQueueCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, ApiBench, localId } from "./support/api-bench.ts";

const PROMPT = { prompt: "Norwegian mountain landscape with sunset" };

/** The requests of an answer for several pictures. */
function requestsOf({ body }: Answer): { requestId: string; seed: number; status: string }[] {
  return Array.isArray(body.requests) ? body.requests : [];
}

async function allPainted(api: ApiBench, ids: readonly string[]): Promise<void> {
  const isPainted = (id: string) =>
    api.lines.some((line) => line.includes('"painted"') && line.includes(`"${id}"`));
  while (!ids.every(isPainted)) await once(api.cloud.events, "line");
}

describe("several pictures for one prompt", () => {
  let api: ApiBench;
  beforeAll(async () => {
    api = await ApiBench.start();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it("are requests of their own, each painted once, however often they are sent", async () => {
    const key = { "idempotency-key": "three" };
    const paidBefore = api.paid;
    const [first, again] = await Promise.all([
      api.generate({ ...PROMPT, count: 3 }, key),
      api.generate({ ...PROMPT, count: 3 }, key),
    ]);
    const ids = [1, 2, 3].map((number) => `${localId("three")}-${number}`);
    expect(first.status).toBe(202);
    expect(Number(first.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(requestsOf(first).map(({ requestId }) => requestId)).toEqual(ids);
    expect(requestsOf(again).map(({ requestId }) => requestId)).toEqual(ids);
    await allPainted(api, ids);
    const finished = await api.generate({ ...PROMPT, count: 3 }, key);
    expect(finished.status).toBe(200);
    expect(requestsOf(finished).map(({ status }) => status)).toEqual(Array(3).fill("succeeded"));
    expect(new Set(requestsOf(finished).map(({ seed }) => seed)).size).toBe(3);
    expect(api.paid - paidBefore).toBe(3);
    expect((await api.list()).requests.map(({ requestId }) => requestId).toSorted()).toEqual(ids);
  });

  it("of one message in the queue are painted too", async () => {
    const { sqs, queueUrl } = api.cloud;
    const MessageBody = JSON.stringify({ ...PROMPT, requestId: "pair", count: 2, seed: 7 });
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
    await allPainted(api, ["pair-1", "pair-2"]);
    const seeds = await Promise.all(["pair-1", "pair-2"].map((id) => api.call(`/requests/${id}`)));
    expect(seeds.map(({ body }) => body.seed)).toEqual([7, 8]);
  });
});

it("several pictures are one message, so that all are accepted or none is", async () => {
  await using api = await ApiBench.start({ consumer: false });
  const key = { "idempotency-key": "five" };
  await api.generate({ ...PROMPT, count: 5 }, key);
  expect(await api.waiting()).toBe(1);
  const { sqs, queueUrl } = api.cloud;
  await sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
  expect((await api.generate({ ...PROMPT, count: 2 }, { "idempotency-key": "two" })).status).toBe(503);
  const both = await Promise.all([1, 2].map((number) => api.call(`/requests/${localId("two")}-${number}`)));
  expect(both.map(({ body }) => body.status)).toEqual(["failed", "failed"]);
});

it("another prompt under a key that is taken is a conflict, and nothing of it is kept or queued", async () => {
  await using api = await ApiBench.start({ consumer: false });
  const key = { "idempotency-key": "taken" };
  await api.generate({ ...PROMPT, count: 2 }, key);
  expect((await api.generate({ prompt: "a fjord", count: 3 }, key)).status).toBe(409);
  expect((await api.call(`/requests/${localId("taken")}-3`)).status).toBe(404);
  expect(await api.waiting()).toBe(1);
  for (const count of [0, 11, 1.5, "2"]) {
    expect((await api.generate({ ...PROMPT, count })).fields).toEqual(["count"]);
  }
  const long = "k".repeat(62);
  expect((await api.generate({ ...PROMPT, count: 2, requestId: long })).fields).toEqual(["requestId"]);
  expect((await api.generate({ ...PROMPT, count: 2 }, { "idempotency-key": long })).fields).toEqual([
    "Idempotency-Key",
  ]);
  expect((await api.generate({ ...PROMPT, count: 1 }, { "idempotency-key": long })).status).toBe(202);
});
