import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ApiBench, localId } from "./support/api-bench.ts";

const JSON_TYPE = { "content-type": "application/json" };
const PROMPT = { prompt: "Me on top of K2" };

let api: ApiBench;
beforeAll(async () => {
  api = await ApiBench.start({ consumer: false });
});
afterAll(() => api[Symbol.asyncDispose]());

describe("bad input gets a problem that names the field, and puts nothing on the queue:", () => {
  let waiting: number;
  beforeEach(async () => {
    waiting = await api.waiting();
  });
  afterEach(async () => {
    expect(await api.waiting()).toBe(waiting);
  });

  it.each<[string, RequestInit, number, string]>([
    ["no body", { headers: JSON_TYPE }, 400, "body"],
    ["a body that is not JSON", { headers: JSON_TYPE, body: "{nope" }, 400, "body"],
    ["bytes that are not UTF-8", { headers: JSON_TYPE, body: Buffer.from([0x22, 0xff, 0x22]) }, 400, "body"],
    ["JSON that is not an object", { headers: JSON_TYPE, body: "[1]" }, 400, "body"],
    ["null", { headers: JSON_TYPE, body: "null" }, 400, "body"],
    [
      "a form",
      { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "{}" },
      415,
      "Content-Type",
    ],
    ["a body without a type", { body: Buffer.from("{}") }, 415, "Content-Type"],
    [
      "another character set",
      { headers: { "content-type": "application/json; charset=latin1" }, body: "{}" },
      415,
      "Content-Type",
    ],
    ["1 MiB", { headers: JSON_TYPE, body: "a".repeat(1024 * 1024) }, 413, "body"],
  ])("%s", async (_, init, status, field) => {
    const answer = await api.call("/generate", { method: "POST", ...init });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ type: "about:blank", status });
    expect(answer.fields).toEqual([field]);
  });

  it.each<[string, unknown, string[]]>([
    ["an empty prompt", { prompt: " \n" }, ["prompt"]],
    ["a prompt that is too long", { prompt: "a".repeat(10_001) }, ["prompt"]],
    ["an unknown field", { ...PROMPT, width: 512 }, ["width"]],
    ["several mistakes", { prompt: 1, seed: -1, aspectRatio: "1:2" }, ["prompt", "aspectRatio", "seed"]],
    ["a hostile id", { ...PROMPT, requestId: "../../etc/passwd" }, ["requestId"]],
  ])("%s", async (_, body, fields) => {
    const answer = await api.generate(body);
    expect(answer.status).toBe(400);
    expect(answer.fields).toEqual(fields);
  });

  it.each<[string, Record<string, string>, string]>([
    ["an Idempotency-Key with a slash", { "idempotency-key": "../x" }, "Idempotency-Key"],
    ["an empty Idempotency-Key", { "idempotency-key": "" }, "Idempotency-Key"],
    ["a wait in words", { prefer: "wait=soon" }, "Prefer"],
    ["a wait without a number", { prefer: "respond-async, wait" }, "Prefer"],
    ["a wait below zero", { prefer: "wait=-1" }, "Prefer"],
  ])("%s", async (_, headers, field) => {
    const answer = await api.generate(PROMPT, headers);
    expect(answer.status).toBe(400);
    expect(answer.fields).toEqual([field]);
  });

  it("an id in the body that is not the key", async () => {
    const answer = await api.generate({ ...PROMPT, requestId: "one" }, { "idempotency-key": "other" });
    expect(answer.status).toBe(400);
    expect(answer.fields).toEqual(["requestId"]);
  });
});

it("another prompt under a key that is taken is a conflict, and is not queued", async () => {
  const key = { "idempotency-key": randomUUID() };
  await api.generate(PROMPT, key);
  const waiting = await api.waiting();
  const answer = await api.generate({ prompt: "something else" }, key);
  expect(answer.status).toBe(409);
  expect(answer.fields).toEqual(["Idempotency-Key"]);
  expect(await api.waiting()).toBe(waiting);
});

it("a key may be written in quotes", async () => {
  const id = randomUUID();
  expect((await api.generate(PROMPT, { "idempotency-key": `"${id}"` })).body.requestId).toBe(localId(id));
});

it("a preference that is not known is ignored, as RFC 7240 wants it", async () => {
  const answer = await api.generate(PROMPT, { prefer: "handling=strict; x=y, respond-async" });
  expect(answer.status).toBe(202);
  expect(answer.headers.get("preference-applied")).toBeNull();
});

it.each([
  ["nope", 404],
  ["..%2f..%2fimages%2fx", 400],
  ["a".repeat(65), 400],
])("the request %s is answered with %i", async (id, status) => {
  const answer = await api.call(`/requests/${id}`);
  expect(answer.status).toBe(status);
  expect(answer.fields).toEqual(["id"]);
});

it("an unknown path is a 404 in problem+json", async () => {
  const answer = await api.call("/pictures");
  expect(answer.status).toBe(404);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
});

it("a method that a path does not take is a 405 that names those it takes", async () => {
  const answer = await api.call("/generate", { method: "DELETE" });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("POST");
});
