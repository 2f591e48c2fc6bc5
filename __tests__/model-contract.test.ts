import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { createCanvas } from "@napi-rs/canvas";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { describe, expect, it, onTestFinished } from "vitest";
import { consumerEnvironment } from "../bench/fake/start.ts";
import { ModelChain } from "../functions/consumer/model-chain.ts";
import { readSettings } from "../functions/consumer/settings.ts";
import { type Model, unreadable } from "../functions/domain/models/contract.ts";
import { stableImageCore } from "../functions/domain/models/stable-image-core.ts";
import { models } from "../functions/domain/models.ts";

const PNG = createCanvas(2, 2).toBuffer("image/png");

/** Another maker's model, in the form of Amazon's: nested fields, sizes instead of ratios, and its own filter. */
const canvas: Model = {
  id: "acme.canvas-v1:0",
  regions: ["us-east-1"],
  pricePerImageUsd: 0.02,
  limits: { promptLength: 20, aspectRatios: ["1:1"], outputFormats: ["png"] },
  writeRequest: ({ prompt, seed }) => ({
    taskType: "TEXT_IMAGE",
    textToImageParams: { text: prompt },
    imageGenerationConfig: { width: 1024, height: 1024, numberOfImages: 1, seed },
  }),
  readAnswer(body, askedSeed) {
    const { images, error } = JSON.parse(body.toString());
    if (error === "blocked") return { kind: "refused", reason: { code: "ContentFilter", message: error } };
    const [image] = images ?? [];
    if (image === undefined) return unreadable("the model's answer has no picture");
    return { kind: "painted", bytes: Buffer.from(image, "base64"), seed: askedSeed };
  },
};

const asked = { requestId: "r", prompt: "K2", aspectRatio: "1:1", outputFormat: "png", seed: 7 } as const;

/** A chain whose Bedrock speaks the other maker's API, and Stability's. */
async function paint(
  chain: readonly [Model, ...Model[]],
  change: Partial<Parameters<Model["writeRequest"]>[0]>,
) {
  const calls: { url: string | undefined; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    calls.push({ url: decodeURIComponent(request.url ?? ""), body: JSON.parse(body) });
    const answer = body.includes("forbidden") ? { error: "blocked" } : { images: [PNG.toString("base64")] };
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const client = new BedrockRuntimeClient({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${address.port}`,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    requestHandler: new NodeHttpHandler(),
  });
  onTestFinished(() => client.destroy());
  const [first, ...others] = chain.map((model) => ({ ...model, region: "us-east-1" }));
  if (first === undefined) throw new Error("no model");
  const result = await new ModelChain([first, ...others], () => client, 10_000).paint(
    { ...asked, ...change },
    { isSeedOurs: false, deadline: Date.now() + 60_000, onUnpainted: () => {} },
  );
  return { result, calls };
}

describe("a model of another maker", () => {
  it("paints with nothing but the contract", async () => {
    const { result, calls } = await paint([canvas], {});
    expect(result).toMatchObject({
      kind: "painted",
      seed: 7,
      model: { id: canvas.id, pricePerImageUsd: 0.02 },
    });
    expect(calls).toEqual([
      { url: `/model/${canvas.id}/invoke`, body: expect.objectContaining({ taskType: "TEXT_IMAGE" }) },
    ]);
  });

  it("blocks a prompt in its own words", async () => {
    const { result } = await paint([canvas], { prompt: "forbidden" });
    expect(result).toMatchObject({ kind: "refused", reason: { code: "ContentFilter" } });
  });

  it.each([
    ["longer", { prompt: "x".repeat(21) }],
    ["longer in what it must not show", { negativePrompt: "x".repeat(21) }],
    ["wider", { aspectRatio: "16:9" }],
  ] as const)(
    "is not asked for a picture whose request is %s than it takes: the next model is",
    async (_, change) => {
      const { result, calls } = await paint([canvas, stableImageCore], change);
      expect(result).toMatchObject({ kind: "painted", isFallback: true });
      expect(calls.map(({ url }) => url)).toEqual([`/model/${stableImageCore.id}/invoke`]);
    },
  );

  it("says which limit a request exceeds that no model takes", async () => {
    const { result, calls } = await paint([canvas], { outputFormat: "jpeg" });
    expect(result).toEqual({
      kind: "unfit",
      reason: { code: "ModelLimits", message: "outputFormat must be one of png" },
    });
    expect(calls).toEqual([]);
  });
});

describe("the catalogue", () => {
  it("is the only place in the functions that knows a model", () => {
    const others = globSync("functions/**/*.ts").filter(
      (file) => !file.startsWith("functions/domain/models"),
    );
    const naming = others.filter((file) =>
      /stability|amazon\.(nova|titan)/i.test(readFileSync(file, "utf8")),
    );
    expect(others.length).toBeGreaterThan(30);
    expect(naming).toEqual([]);
  });

  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-stability-ai.html
  it.each(models.map((model) => [model.id, model] as const))(
    "writes %s the request that AWS documents",
    (id, model) => {
      const mode = id.includes("-core-") ? {} : { mode: "text-to-image" };
      expect(JSON.parse(JSON.stringify(model.writeRequest({ ...asked, negativePrompt: "rain" })))).toEqual({
        prompt: "K2",
        negative_prompt: "rain",
        aspect_ratio: "1:1",
        seed: 7,
        output_format: "png",
        ...mode,
      });
    },
  );

  it("lets no function start with a model that it does not have", () => {
    const chain = JSON.stringify([{ id: "acme.canvas-v1:0", region: "us-east-1", pricePerImageUsd: 1 }]);
    const environment = { ...consumerEnvironment("http://127.0.0.1:9"), MODEL_CHAIN: chain };
    expect(() => readSettings(environment)).toThrow("acme.canvas-v1:0 is not in the catalogue");
  });
});
