import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openApiDocument } from "../functions/api/openapi.ts";
import { ROUTES } from "../functions/domain/routes.ts";
import { ApiBench } from "./support/api-bench.ts";
import { arbitraryOf } from "./support/arbitrary.ts";
import { caseCount } from "./support/thorough.ts";

const text = readFileSync(new URL("../docs/openapi.json", import.meta.url), "utf8");
const document = z
  .looseObject({
    paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.looseObject({}) }).loose())),
    components: z.looseObject({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
  })
  .parse(JSON.parse(text));

describe("docs/openapi.json", () => {
  it("is current: npm run openapi writes it", () => {
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });

  it("passes the strict linter", async () => {
    const config = await createConfig({
      extends: ["recommended-strict"],
      // The path of a picture only redirects.
      rules: { "operation-2xx-response": "off" },
    });
    const problems = await lintFromString({ source: text, absoluteRef: "openapi.json", config });
    expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([]);
  });

  it("describes the routes that there are", () => {
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual([...ROUTES].toSorted());
  });
});

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
ajv.addSchema(document, "openapi");
const isPromptRequest = ajv.compile({ $ref: "openapi#/components/schemas/PromptRequest" });

/** Why the document does not allow an answer; empty where it does. */
function complaints(route: string, status: number, contentType: string, body: unknown): string {
  const [method = "", path = ""] = route.split(" ");
  const responses = document.paths[path]?.[method.toLowerCase()]?.responses ?? {};
  if (!(status in responses)) return `${route} must not answer ${status}`;
  const steps = ["paths", path, method.toLowerCase(), "responses", status, "content", contentType, "schema"];
  const pointer = steps.map((step) => encodeURIComponent(String(step).replaceAll("/", "~1"))).join("/");
  const validate = ajv.getSchema(`openapi#/${pointer}`);
  if (validate === undefined) return `${route} must not answer ${status} with ${contentType}`;
  return validate(body) ? "" : `${route} ${status}: ${ajv.errorsText(validate.errors)}`;
}

describe("whatever is asked, the answer is one that the document allows:", () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  const BATCHES = { seed, numRuns: caseCount(50), endOnFailure: true };
  /** How many requests are under way at once. */
  const BATCH = 20;
  let api: ApiBench;
  beforeAll(async () => {
    console.info(`SEED=${seed} repeats this run`);
    api = await ApiBench.start({
      consumer: false,
      settings: { api: { throttling: { burst: 5000, ratePerSecond: 10_000 } } },
    });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  async function ask(route: string, path: string, init: RequestInit): Promise<number> {
    const response = await fetch(`${api.url}${path}`, init);
    const contentType = response.headers.get("content-type") ?? "none";
    expect(complaints(route, response.status, contentType, await response.json())).toBe("");
    expect(response.status).toBeLessThan(500);
    return response.status;
  }

  const post = (body: string, headers: Record<string, string> = {}) =>
    ask("POST /generate", "/generate", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });

  const validRequest = arbitraryOf(document.components.schemas.PromptRequest ?? {}).filter((value) =>
    isPromptRequest(value),
  );
  const withoutId = validRequest.map((request) => ({ ...Object(request), requestId: undefined }));
  const damagedRequest = fc
    .tuple(
      validRequest,
      fc.constantFrom("prompt", "seed", "aspectRatio", "requestId", "more"),
      fc.jsonValue(),
    )
    .map(([request, field, value]) => ({ ...Object(request), [field]: value }));
  const anyBody = fc.oneof(validRequest, damagedRequest, fc.jsonValue());

  it("valid requests are all accepted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(withoutId, { minLength: BATCH, maxLength: BATCH }), async (requests) => {
        const statuses = await Promise.all(requests.map((request) => post(JSON.stringify(request))));
        expect(statuses).toEqual(requests.map(() => 202));
      }),
      BATCHES,
    );
  });

  it("bodies of any kind are accepted only where the document calls them valid", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBody, { minLength: BATCH, maxLength: BATCH }), async (bodies) => {
        const statuses = await Promise.all(bodies.map((body) => post(JSON.stringify(body))));
        // An id may be taken by an earlier request.
        const accepted = statuses.map((status) => status === 202 || status === 409);
        expect(accepted).toEqual(bodies.map((body) => isPromptRequest(body)));
      }),
      BATCHES,
    );
  });

  it("requests with texts that are no JSON and with odd headers", async () => {
    const headerText = fc.string({ unit: "grapheme-ascii", maxLength: 70 });
    const odd = fc.record({
      body: fc.oneof(
        fc.string({ unit: "binary" }),
        withoutId.map((request) => JSON.stringify(request)),
      ),
      headers: fc.record(
        {
          "idempotency-key": fc.oneof(headerText, fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)),
          prefer: fc.oneof(
            headerText.filter((value) => !value.includes("wait")),
            fc.constantFrom("wait=0", "wait", "wait=x", "respond-async", "wait=-1"),
          ),
          "content-type": fc.oneof(
            headerText,
            fc.constantFrom("text/plain", "application/json; charset=utf-8", "application/xml"),
          ),
        },
        { requiredKeys: [] },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(odd, { minLength: BATCH, maxLength: BATCH }), async (requests) => {
        await Promise.all(requests.map(({ body, headers }) => post(body, headers)));
      }),
      BATCHES,
    );
  });

  it("ids", async () => {
    const ids = fc.oneof(
      fc.string({ unit: "binary-ascii", minLength: 1 }),
      fc.string({ unit: "grapheme", minLength: 1 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,66}$/),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(ids, { minLength: BATCH, maxLength: BATCH }), async (batch) => {
        await Promise.all(
          batch.map((id) => ask("GET /requests/{id}", `/requests/${encodeURIComponent(id)}`, {})),
        );
      }),
      BATCHES,
    );
  });
});
