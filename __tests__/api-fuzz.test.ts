import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { problemSchema } from "../functions/api/http.ts";
import { recordKey } from "../functions/domain/record.ts";
import { anyBody, anyValue, isReadable, nearRecord } from "./support/fuzz.ts";
import { type Handlers, startHandlers } from "./support/handlers.ts";
import { caseCount } from "./support/thorough.ts";

// fast-check prints the seed and the path of a case that fails.
const LIMIT_MS = 120_000;
let handlers: Handlers;
beforeAll(async () => {
  handlers = await startHandlers();
});
afterAll(() => handlers[Symbol.asyncDispose]());

const answerSchema = z.object({
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string().optional(),
});

/** Sends an event to the API. What comes back is the studio's page, or JSON, and a problem where it is an error. */
async function ask(event: object): Promise<number> {
  const outcome = await handlers.request(event);
  if (outcome.type !== "result") throw new Error(`the API threw: ${JSON.stringify(outcome)}`);
  const { statusCode, headers, body: text } = answerSchema.parse(outcome.payload);
  if (statusCode === 204) return statusCode;
  if (statusCode === 200 && headers["content-type"] === "text/html; charset=utf-8") {
    expect(text).toMatch(/^<!doctype html>/);
    return statusCode;
  }
  const json: unknown = JSON.parse(text ?? "");
  const isError = statusCode >= 400;
  expect(headers["content-type"]).toBe(isError ? "application/problem+json" : "application/json");
  if (isError) {
    expect(z.strictObject(problemSchema.shape).parse(json).status).toBe(statusCode);
    expect(text).not.toMatch(/\bat .+:\d+:\d+/);
  }
  return statusCode;
}

const HEADERS = ["content-type", "idempotency-key", "prefer", "x-any"];
const header = fc.oneof(
  fc.constantFrom(
    "application/json",
    "text/html",
    "wait=0",
    "wait=-1",
    "wait=",
    "respond-async, wait",
    '"a"',
  ),
  fc.string(),
);
const text = fc.oneof(anyBody, fc.string(), fc.constant('{"prompt":"K2"}'));

/** What API Gateway makes of any request: payload format 2.0. */
const httpEvent = fc
  .record({
    routeKey: fc.constantFrom(
      "POST /generate",
      "POST /generate",
      "GET /requests/{id}",
      "GET /health",
      "$default",
    ),
    rawPath: fc.oneof(fc.constantFrom("/generate", "/requests/a", "/health"), fc.webPath()),
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"),
    headers: fc.dictionary(fc.constantFrom(...HEADERS), header),
    isJson: fc.boolean(),
    body: fc.option(text, { nil: undefined }),
    isBase64Encoded: fc.boolean(),
    id: fc.option(text, { nil: undefined }),
    authorizer: fc.constantFrom(
      undefined,
      { iam: { callerId: "AIDAADA" } },
      { jwt: { claims: { sub: "ada" } } },
      { jwt: { claims: {} } },
    ),
  })
  .map(({ method, id, authorizer, isJson, headers, ...event }) => ({
    version: "2.0",
    ...event,
    headers: isJson ? { ...headers, "content-type": "application/json" } : headers,
    ...(id !== undefined && { pathParameters: { id } }),
    requestContext: { http: { method, path: event.rawPath, sourceIp: "192.0.2.1" }, authorizer },
  }));

it("any HTTP event is answered, and what is wrong with a problem that is the caller's", {
  timeout: LIMIT_MS,
}, async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(httpEvent, async (event) => {
      const status = await ask(event);
      seen.add(status);
      expect([200, 202, 204, 400, 403, 404, 405, 409, 413, 415]).toContain(status);
    }),
    { numRuns: 3000 },
  );
  expect([...seen]).toEqual(expect.arrayContaining([200, 202, 204, 400, 404, 405, 415]));
});

it("what is no HTTP event is answered with a problem that shows nothing of the inside", {
  timeout: LIMIT_MS,
}, async () => {
  const damage = fc.tuple(
    httpEvent,
    fc.constantFrom("headers", "requestContext", "body", "routeKey"),
    anyValue,
  );
  await fc.assert(
    fc.asyncProperty(damage, async ([event, name, value]) => {
      await ask({ ...event, [name]: value });
    }),
    { numRuns: caseCount(500) },
  );
});

it("a record that was tampered with is shown to nobody, and is not written over", {
  timeout: LIMIT_MS,
}, async () => {
  await fc.assert(
    fc.asyncProperty(nearRecord, async (record) => {
      const id = randomUUID();
      const key = recordKey("", id);
      await handlers.put(key, record);
      const event = {
        version: "2.0",
        rawPath: "/",
        headers: { "content-type": "application/json" },
        requestContext: { http: { method: "GET", path: "/", sourceIp: "192.0.2.1" } },
        pathParameters: { id },
      };
      const shown = await ask({ ...event, routeKey: "GET /requests/{id}" });
      expect(isReadable(record) ? [200, 500] : [500]).toContain(shown);
      const body = JSON.stringify({ requestId: id, prompt: "Me on top of K2" });
      const sent = await ask({ ...event, routeKey: "POST /generate", body });
      if (!isReadable(record)) {
        expect(sent).toBe(500);
        expect((await handlers.get(key))?.toString()).toBe(record);
      }
    }),
    { numRuns: caseCount(300) },
  );
});
