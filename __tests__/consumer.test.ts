import { createHash, randomUUID } from "node:crypto";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import exifr from "exifr";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CORE, ConsumerBench } from "./support/consumer-bench.ts";
import { SOUND_RECORDS } from "./support/fuzz.ts";
import { askedRecord, requestBody } from "./support/sample-request.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.bedrock.setTrouble({ latencyMs: 0 }));

describe("a prompt in plain text", () => {
  it("becomes a picture under the message's id, and the message is done", async () => {
    const { messageIds, kept } = await bench.deliver(["Me on top of K2"]);
    expect(kept).toEqual([]);
    const record = await bench.record(messageIds[0] ?? "");
    expect(record).toMatchObject({
      status: "succeeded",
      prompt: "Me on top of K2",
      attempts: 1,
      model: CORE,
    });
  });

  it("has its picture's size, hash and cost on record", async () => {
    const { messageIds } = await bench.deliver(["Norwegian mountain landscape with sunset"]);
    const record = await bench.record(messageIds[0] ?? "");
    if (record.status !== "succeeded") throw new Error(`it is ${record.status}`);
    const picture = await bench.get(record.image.key);
    expect(record.image).toMatchObject({
      key: `images/${messageIds[0]}.png`,
      contentType: "image/png",
      bytes: picture.byteLength,
      sha256: createHash("sha256").update(picture).digest("hex"),
    });
    expect(record.costUsd).toBe(0.04);
    await expect(loadImage(Buffer.from(picture))).resolves.toMatchObject({ width: 1024, height: 1024 });
  });
});

describe("a picture", () => {
  it("says in its metadata how it was painted, as its record does", async () => {
    await bench.deliver([requestBody("labelled", { seed: 4711 })]);
    const record = await bench.record("labelled");
    if (record.status !== "succeeded") throw new Error(`it is ${record.status}`);
    expect(await bench.metadata("images/labelled.png")).toEqual({
      sha256: record.image.sha256,
      seed: "4711",
      model: CORE,
      region: "us-west-2",
      "model-ms": String(record.timings.modelMs),
      "cost-usd": "0.04",
      request: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

describe.each(["png", "jpeg"])("a stored %s", (outputFormat) => {
  it("says in its bytes that a model made it, which one, and for which request, and nothing of the prompt", async () => {
    const requestId = `marked-${outputFormat}`;
    await bench.deliver([requestBody(requestId, { prompt: "xylophonist", outputFormat })]);
    const picture = Buffer.from(await bench.get(`images/${requestId}.${outputFormat}`));
    expect(await exifr.parse(picture, { xmp: true })).toMatchObject({
      DigitalSourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
      AISystemUsed: CORE,
      CreatorTool: "Couch Explorers",
      CreateDate: expect.anything(),
      identifier: requestId,
    });
    expect(picture.includes("xylophonist")).toBe(false);
  });
});

describe("a prompt in JSON", () => {
  it("is painted as asked: ratio, format and seed", async () => {
    await bench.deliver([requestBody("asked", { aspectRatio: "16:9", outputFormat: "jpeg", seed: 4711 })]);
    expect(await bench.record("asked")).toMatchObject({
      status: "succeeded",
      seed: 4711,
      image: { key: "images/asked.jpeg", contentType: "image/jpeg" },
    });
    const { width, height } = await loadImage(Buffer.from(await bench.get("images/asked.jpeg")));
    expect(width / height).toBeCloseTo(16 / 9, 1);
  });

  it("can be painted again from the seed on record", async () => {
    await bench.deliver([requestBody("original")]);
    const { seed } = await bench.record("original").then((record) => {
      if (record.status !== "succeeded") throw new Error(`it is ${record.status}`);
      return record;
    });
    await bench.deliver([requestBody("again", { seed })]);
    const [original, again] = await Promise.all(
      ["original", "again"].map(async (id) => pixels(await bench.get(`images/${id}.png`))),
    );
    expect(again?.equals(original ?? Buffer.alloc(0))).toBe(true);
  });

  it("with seed 0 has the seed on record that the model drew", async () => {
    await bench.deliver([requestBody("zero", { seed: 0 })]);
    const record = await bench.record("zero");
    expect(record).toMatchObject({ status: "succeeded", seed: expect.any(Number) });
    expect(record).not.toMatchObject({ seed: 0 });
  });
});

describe("a request that is no good", () => {
  it.each([
    ["an empty prompt", '{"prompt":" "}', "prompt"],
    ["broken JSON", '{"prompt":"K2"', "body"],
    ["an unknown field", '{"prompt":"K2","steps":3}', "steps"],
    ["control characters", '{"prompt":"K2\\u0007"}', "prompt"],
    ["an over-long prompt", "x".repeat(10_001), "prompt"],
    ["a megabyte", "x".repeat(1_000_000), "prompt"],
  ])("for %s is rejected, its body kept, without a call of the model", async (_, body, field) => {
    const calls = bench.bedrock.calls.length;
    const { messageIds, kept } = await bench.deliver([body]);
    expect(kept).toEqual([]);
    expect(await bench.record(messageIds[0] ?? "")).toMatchObject({
      status: "rejected",
      reason: { code: "InvalidRequest", message: expect.stringMatching(new RegExp(`^${field}: `)) },
      body,
    });
    expect(bench.bedrock.calls).toHaveLength(calls);
  });

  it("with an id that leaves its folder is kept under the message's id", async () => {
    const { messageIds } = await bench.deliver([requestBody("../../x")]);
    expect(await bench.record(messageIds[0] ?? "")).toMatchObject({ status: "rejected" });
    expect(
      (await bench.keys()).filter(
        (key) => !/^((images|requests)\/[\w-]+\.(png|jpeg|json)|index\/[\w-]+\/[\w-]+)$/.test(key),
      ),
    ).toEqual([]);
  });

  it.each(SOUND_RECORDS.map((record) => [record.status, record] as const))(
    "never touches the record of the request whose id it uses: one that is %s",
    async (_, sound) => {
      const record = { ...sound, requestId: randomUUID() };
      await bench.putRecord(record);
      const { messageIds, kept } = await bench.deliver([requestBody(record.requestId, { seed: -1 })]);
      expect(kept).toEqual([]);
      expect(await bench.record(record.requestId)).toEqual(record);
      expect(await bench.record(messageIds[0] ?? "")).toMatchObject({ status: "rejected" });
    },
  );

  it("is rejected once, however often it is delivered", async () => {
    const { messageIds } = await bench.deliver(["{"]);
    const before = await bench.record(messageIds[0] ?? "");
    const again = await bench.deliver(['{"prompt":"","requestId":"bad-twice"}']);
    const twice = await bench.deliver(['{"prompt":"","requestId":"bad-twice"}']);
    expect([...again.kept, ...twice.kept]).toEqual([]);
    expect(await bench.record(messageIds[0] ?? "")).toEqual(before);
    expect(await bench.keys(`requests/${twice.messageIds[0]}`)).toEqual([]);
  });
});

describe("a prompt that the content filter blocks", () => {
  it("is rejected and never tried again", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "FilteredPrompt" });
    const requestId = randomUUID();
    const calls = bench.bedrock.calls.length;
    const { kept } = await bench.deliver([requestBody(requestId)]);
    expect(kept).toEqual([]);
    expect(await bench.record(requestId)).toMatchObject({
      status: "rejected",
      reason: { code: "ContentFilter" },
      body: requestBody(requestId),
    });
    expect(bench.bedrock.calls).toHaveLength(calls + 1);
  });
});

describe("a picture that the content filter holds back", () => {
  const prices = (log: string) => log.match(/"EstimatedCostUsd":0\.04/g) ?? [];

  it("is painted with another seed where the seed was drawn, and both calls are counted", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, script: ["FilteredImage"] });
    const requestId = randomUUID();
    await bench.putRecord({
      ...askedRecord(requestId),
      status: "queued",
      timings: { queuedAt: new Date().toISOString() },
    });
    const { kept, log } = await bench.deliver([requestBody(requestId)]);
    expect(kept).toEqual([]);
    const record = await bench.record(requestId);
    if (record.status !== "succeeded") throw new Error(`it is ${record.status}`);
    expect(record).toMatchObject({ model: CORE });
    expect(record.seed).not.toBe(askedRecord(requestId).seed);
    expect(await bench.metadata(record.image.key)).toMatchObject({ seed: String(record.seed) });
    expect(log).toContain('"Fallbacks":0');
    expect(prices(log)).toHaveLength(2);
  });

  it("is rejected when it is held back with the other seed too", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "FilteredImage" });
    const requestId = randomUUID();
    const calls = bench.bedrock.calls.length;
    const { kept, log } = await bench.deliver([requestBody(requestId)]);
    expect(kept).toEqual([]);
    expect(await bench.record(requestId)).toMatchObject({ status: "rejected" });
    expect(bench.bedrock.calls.slice(calls)).toEqual([CORE, CORE]);
    expect(prices(log)).toHaveLength(2);
  });

  it("is rejected at once where its sender chose the seed", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "FilteredImage" });
    const requestId = randomUUID();
    const calls = bench.bedrock.calls.length;
    await bench.deliver([requestBody(requestId, { seed: 7 })]);
    expect(await bench.record(requestId)).toMatchObject({ status: "rejected" });
    expect(bench.bedrock.calls).toHaveLength(calls + 1);
  });
});

describe("a message whose record nobody can read", () => {
  it("is kept", async () => {
    await bench.put("requests/tampered.json", '{"status":"succeeded"}');
    const { kept, log } = await bench.deliver([requestBody("tampered")]);
    expect(kept).toEqual([requestBody("tampered")]);
    expect(log).toContain("UnreadableRecordError");
  });
});

describe("what the consumer logs", () => {
  it("names ids, and never a prompt", async () => {
    const { log } = await bench.deliver([
      JSON.stringify({ requestId: "private", prompt: "xyzzy in a bathtub" }),
      JSON.stringify({ requestId: "private-bad", prompt: "xyzzy", negativePrompt: 3 }),
    ]);
    expect(log).toContain('"private"');
    expect(log).not.toContain("xyzzy");
  });
});

async function pixels(picture: Uint8Array): Promise<Buffer> {
  const image = await loadImage(Buffer.from(picture));
  const context = createCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  return Buffer.from(context.getImageData(0, 0, image.width, image.height).data);
}
