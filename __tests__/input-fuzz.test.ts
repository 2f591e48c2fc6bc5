import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { invokeModel } from "../functions/consumer/invoke-model.ts";
import { stableImageCore } from "../functions/domain/models/stable-image-core.ts";
import { parseRecord, UnreadableRecordError } from "../functions/domain/record-store.ts";
import { parseRequest, promptRequestSchema } from "../functions/domain/request.ts";
import { damaged, nearAnswer, nearRecord, nearRequest } from "./support/fuzz.ts";
import { caseCount } from "./support/thorough.ts";

// fast-check prints the seed and the path of a case that fails.
const CASES = caseCount(25_000);
const LIMIT_MS = 120_000;

describe(`${4 * CASES} cases of input`, () => {
  it("as the body of a message: a request, or problems that name their fields", { timeout: LIMIT_MS }, () => {
    const bodies = fc.oneof(fc.string({ unit: "binary" }), nearRequest, damaged(nearRequest), fc.json());
    fc.assert(
      fc.property(bodies, (body) => {
        const parsed = parseRequest(body);
        if (parsed.ok) expect(promptRequestSchema.safeParse(parsed.request).success).toBe(true);
        else for (const problem of parsed.problems) expect(problem.field).not.toBe("");
      }),
      { numRuns: CASES },
    );
  });

  it("as a request that has been read is read the same again", { timeout: LIMIT_MS }, () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (prompt) => {
        const parsed = parseRequest(JSON.stringify({ prompt }));
        if (parsed.ok) expect(parseRequest(JSON.stringify(parsed.request))).toEqual(parsed);
      }),
      { numRuns: CASES },
    );
  });

  it("as a record: one that is whole, or an error that names its key", { timeout: LIMIT_MS }, () => {
    fc.assert(
      fc.property(nearRecord, (text) => {
        try {
          expect(parseRecord("requests/one.json", text)).toHaveProperty("status");
        } catch (error) {
          if (!(error instanceof UnreadableRecordError)) throw error;
          expect(error.message).toContain("requests/one.json");
        }
      }),
      { numRuns: CASES },
    );
  });

  it("as a model's answer: never an exception, and never a picture that is none", {
    timeout: LIMIT_MS,
  }, async () => {
    const client = new BedrockRuntimeClient({ region: "us-west-2" });
    let body = "";
    client.send = async () => ({ $metadata: {}, contentType: "", body: Buffer.from(body) });
    const asked = {
      requestId: "one",
      prompt: "K2",
      aspectRatio: "1:1",
      seed: 1,
      outputFormat: "png",
    } as const;
    await fc.assert(
      fc.asyncProperty(fc.oneof(nearAnswer, damaged(nearAnswer), fc.string()), async (drawn) => {
        body = drawn;
        const { signal } = new AbortController();
        expect((await invokeModel(client, stableImageCore, asked, signal)).kind).not.toBe("painted");
      }),
      { numRuns: CASES },
    );
  });
});
