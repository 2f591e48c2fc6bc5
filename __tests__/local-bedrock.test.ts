import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bedrock, FORBIDDEN_WORD, startBedrock } from "../local/model/bedrock.ts";
import type { Trouble } from "../local/model/trouble.ts";

const CORE = "stability.stable-image-core-v1:1";
const SD35 = "stability.sd3-5-large-v1:0";
const ULTRA = "stability.stable-image-ultra-v1:1";
let bedrock: Bedrock;
let client: BedrockRuntimeClient;

beforeAll(async () => {
  bedrock = await startBedrock();
  client = new BedrockRuntimeClient({
    endpoint: bedrock.endpoint,
    region: "us-west-2",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });
});
afterAll(() => bedrock.stop());

interface Answer {
  readonly seeds?: number[];
  readonly finish_reasons: (string | null)[];
  readonly images?: string[];
}

async function invoke(modelId: string, body: object, trouble: Trouble = {}, signal?: AbortSignal) {
  bedrock.setTrouble({ latencyMs: 0, ...trouble });
  return call(modelId, body, signal);
}

async function call(modelId: string, body: object, abortSignal?: AbortSignal): Promise<Answer> {
  const command = new InvokeModelCommand({ modelId, body: JSON.stringify(body) });
  const response = await client.send(command, abortSignal === undefined ? {} : { abortSignal });
  return JSON.parse(response.body.transformToString());
}

describe("the stand-in model", () => {
  it("paints the same picture for the same prompt and seed", async () => {
    const body = { prompt: "Me on top of K2", seed: 7, output_format: "png" };
    const first = await invoke(CORE, body);
    expect(first).toMatchObject({ seeds: [7], finish_reasons: [null] });
    expect(
      Buffer.from(first.images?.[0] ?? "", "base64")
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    expect(await invoke(CORE, body)).toEqual(first);
  });

  it("draws a seed itself when the seed is 0", async () => {
    const { seeds } = await invoke(CORE, { prompt: "sea", seed: 0 });
    expect(seeds?.[0]).toBeGreaterThan(0);
  });

  it("writes every picture on its bill, without the prompt", async () => {
    const before = bedrock.bill.length;
    await invoke(ULTRA, { prompt: "a secret place", seed: 3, mode: "text-to-image" });
    await invoke(CORE, { prompt: "" }).catch(() => {});
    const bill = await (await fetch(`${bedrock.endpoint}/_bill`)).text();
    expect(bedrock.bill.slice(before)).toEqual([
      expect.objectContaining({
        modelId: ULTRA,
        seed: 3,
        promptSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    ]);
    expect(JSON.parse(bill)).toEqual(bedrock.bill);
    expect(bill).not.toContain("secret");
  });

  it.each([
    ["prompt", CORE, {}],
    ["prompt", CORE, { prompt: "x".repeat(10_001) }],
    ["negative_prompt", CORE, { prompt: "x", negative_prompt: "x".repeat(10_001) }],
    ["aspect_ratio", CORE, { prompt: "x", aspect_ratio: "1:2" }],
    ["seed", CORE, { prompt: "x", seed: 4_294_967_295 }],
    ["seed", SD35, { prompt: "x", seed: 1.5 }],
    ["output_format", ULTRA, { prompt: "x", output_format: "gif" }],
    ["mode", SD35, { prompt: "x", mode: "image-to-image" }],
    ["mode", CORE, { prompt: "x", mode: "text-to-image" }],
    ["width", CORE, { prompt: "x", width: 512 }],
  ])("names %s when %s gets a wrong one", async (field, modelId, body) => {
    await expect(invoke(modelId, body)).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining(field),
    });
  });

  it.each(["amazon.titan-image-generator-v1", "stability.stable-image-core-v1:0"])(
    "has %s no more",
    async (modelId) => {
      await expect(invoke(modelId, { prompt: "x" })).rejects.toMatchObject({
        name: "ResourceNotFoundException",
      });
    },
  );

  it("blocks a prompt with the forbidden word with HTTP 200, a reason and no picture, free of charge", async () => {
    const before = bedrock.bill.length;
    expect(await invoke(CORE, { prompt: `some ${FORBIDDEN_WORD} here` })).toEqual({
      finish_reasons: ["Filter reason: prompt"],
    });
    expect(bedrock.bill).toHaveLength(before);
  });

  it.each([
    "ThrottlingException",
    "ModelNotReadyException",
    "InternalServerException",
    "ServiceUnavailableException",
    "ModelTimeoutException",
    "ModelErrorException",
    "ServiceQuotaExceededException",
    "ValidationException",
    "AccessDeniedException",
    "ResourceNotFoundException",
  ] as const)("fails with %s as the SDK knows it", async (every) => {
    await expect(invoke(CORE, { prompt: "x" }, { every })).rejects.toMatchObject({ name: every });
  });

  it("follows a script call by call and then works", async () => {
    bedrock.setTrouble({ latencyMs: 0, script: ["ThrottlingException", "InferenceError", "ok"] });
    await expect(call(CORE, { prompt: "x" })).rejects.toMatchObject({ name: "ThrottlingException" });
    expect(await call(CORE, { prompt: "x" })).toEqual({ finish_reasons: ["Inference error"] });
    expect(await call(CORE, { prompt: "x" })).toMatchObject({ finish_reasons: [null] });
    expect(await call(CORE, { prompt: "x" })).toMatchObject({ finish_reasons: [null] });
  });

  it("breaks one model and leaves the others alone", async () => {
    const trouble: Trouble = { models: { [CORE]: { every: "AccessDeniedException" } } };
    await expect(invoke(CORE, { prompt: "x" }, trouble)).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    expect(await invoke(SD35, { prompt: "x" }, trouble)).toMatchObject({ finish_reasons: [null] });
  });

  it("throttles the share of calls that it is told, the same ones for the same seed", async () => {
    const outcomes = async () => {
      bedrock.setTrouble({ latencyMs: 0, throttle: 0.5, seed: 42 });
      const results: string[] = [];
      for (let count = 0; count < 20; count += 1) {
        const answer = call(CORE, { prompt: FORBIDDEN_WORD });
        results.push(
          await answer.then(
            () => "ok",
            (error: Error) => error.name,
          ),
        );
      }
      return results;
    };
    const first = await outcomes();
    expect(new Set(first)).toEqual(new Set(["ok", "ThrottlingException"]));
    expect(await outcomes()).toEqual(first);
  });

  it("throttles calls above its concurrency limit", async () => {
    bedrock.setTrouble({ latencyMs: 200, concurrencyLimit: 2 });
    const calls = Array.from({ length: 5 }, () => call(CORE, { prompt: FORBIDDEN_WORD }));
    const results = await Promise.allSettled(calls);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  });

  it("never answers while it hangs, and charges nothing", async () => {
    const before = bedrock.bill.length;
    const signal = AbortSignal.timeout(300);
    await expect(invoke(CORE, { prompt: "x" }, { every: "hang" }, signal)).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(bedrock.bill).toHaveLength(before);
  });

  it("breaks the connection on a reset", async () => {
    await expect(invoke(CORE, { prompt: "x" }, { every: "reset" })).rejects.toThrow("socket hang up");
  });
});
