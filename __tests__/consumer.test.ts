import { createHash, randomUUID } from "node:crypto";
import { loadImage } from "@napi-rs/canvas";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { GeneratingRecord } from "../functions/domain/record.ts";
import { CORE, ConsumerBench } from "./support/consumer-bench.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.bedrock.setTrouble({ latencyMs: 0 }));

const request = (requestId: string, more: object = {}) =>
  JSON.stringify({ requestId, prompt: "Me on top of K2", ...more });

/** A record as an owner leaves it behind who died while painting. */
function abandoned(requestId: string, leaseEndsInMs: number): GeneratingRecord {
  const now = Date.now();
  return {
    requestId,
    status: "generating",
    prompt: "Me on top of K2",
    aspectRatio: "1:1",
    outputFormat: "png",
    seed: 7,
    attempts: 1,
    codeVersion: "test",
    timings: {
      queuedAt: new Date(now - 600_000).toISOString(),
      startedAt: new Date(now - 500_000).toISOString(),
    },
    lease: { owner: "somebody else", expiresAt: new Date(now + leaseEndsInMs).toISOString() },
  };
}

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

describe("a prompt in JSON", () => {
  it("is painted as asked: ratio, format and seed", async () => {
    await bench.deliver([request("asked", { aspectRatio: "16:9", outputFormat: "jpeg", seed: 4711 })]);
    expect(await bench.record("asked")).toMatchObject({
      status: "succeeded",
      seed: 4711,
      image: { key: "images/asked.jpeg", contentType: "image/jpeg" },
    });
    const { width, height } = await loadImage(Buffer.from(await bench.get("images/asked.jpeg")));
    expect(width / height).toBeCloseTo(16 / 9, 1);
  });

  it("can be painted again from the seed on record", async () => {
    await bench.deliver([request("original")]);
    const { seed } = await bench.record("original").then((record) => {
      if (record.status !== "succeeded") throw new Error(`it is ${record.status}`);
      return record;
    });
    await bench.deliver([request("again", { seed })]);
    expect(await bench.get("images/again.png")).toEqual(await bench.get("images/original.png"));
  });

  it("with seed 0 has the seed on record that the model drew", async () => {
    await bench.deliver([request("zero", { seed: 0 })]);
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
    const { messageIds } = await bench.deliver([request("../../x")]);
    expect(await bench.record(messageIds[0] ?? "")).toMatchObject({ status: "rejected" });
    expect(
      (await bench.keys()).filter((key) => !/^(images|requests)\/[\w-]+\.(png|jpeg|json)$/.test(key)),
    ).toEqual([]);
  });

  it("never touches the record of the request whose id it uses", async () => {
    await bench.deliver([request("taken")]);
    const before = await bench.record("taken");
    const { messageIds } = await bench.deliver([request("taken", { seed: -1 })]);
    expect(await bench.record("taken")).toEqual(before);
    expect(await bench.record(messageIds[0] ?? "")).toMatchObject({ status: "rejected" });
  });

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
  it.each(["FilteredPrompt", "FilteredImage"] as const)(
    "(%s) is rejected and never tried again",
    async (outcome) => {
      bench.bedrock.setTrouble({ latencyMs: 0, every: outcome });
      const requestId = randomUUID();
      const calls = bench.bedrock.calls.length;
      const { kept } = await bench.deliver([request(requestId)]);
      expect(kept).toEqual([]);
      expect(await bench.record(requestId)).toMatchObject({
        status: "rejected",
        reason: { code: "ContentFilter" },
        body: request(requestId),
      });
      expect(bench.bedrock.calls).toHaveLength(calls + 1);
    },
  );

  it("is rejected as well when the model calls it invalid", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ValidationException" });
    await bench.deliver([request("invalid")]);
    expect(await bench.record("invalid")).toMatchObject({
      status: "rejected",
      reason: { code: "ValidationException" },
    });
  });
});

describe("the same request", () => {
  it("delivered three times in a row is painted once", async () => {
    const bill = bench.bedrock.bill.length;
    for (let delivery = 0; delivery < 3; delivery++) await bench.deliver([request("thrice")]);
    expect(bench.bedrock.bill).toHaveLength(bill + 1);
  });

  it("delivered three times at the same moment is painted once, and the other two wait for the lease", async () => {
    bench.bedrock.setTrouble({ latencyMs: 200 });
    const bill = bench.bedrock.bill.length;
    const { kept } = await bench.deliver([request("together"), request("together"), request("together")]);
    expect(kept).toHaveLength(2);
    expect(bench.bedrock.bill).toHaveLength(bill + 1);
    expect(await bench.record("together")).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("is left alone while another delivery holds its lease", async () => {
    const record = abandoned("held", 60_000);
    await bench.putRecord(record);
    const { kept } = await bench.deliver([request("held")]);
    expect(kept).toHaveLength(1);
    expect(await bench.record("held")).toEqual(record);
  });

  it("is painted by the next delivery once the lease has ended, with the seed that was drawn first", async () => {
    await bench.putRecord(abandoned("expired", -1));
    const { kept, log } = await bench.deliver([request("expired")]);
    expect(kept).toEqual([]);
    expect(await bench.record("expired")).toMatchObject({ status: "succeeded", attempts: 2, seed: 7 });
    expect(log).toContain('"abandoned"');
  });

  it("is not paid again when its owner died after the picture was stored", async () => {
    await bench.deliver([request("template")]);
    const metadata = await bench.metadata("images/template.png");
    await bench.put("images/stored.png", await bench.get("images/template.png"), metadata);
    await bench.putRecord(abandoned("stored", -1));
    const bill = bench.bedrock.bill.length;
    await bench.deliver([request("stored")]);
    expect(bench.bedrock.bill).toHaveLength(bill);
    expect(await bench.record("stored")).toMatchObject({
      status: "succeeded",
      image: { key: "images/stored.png", sha256: metadata.sha256 },
    });
  });
});

describe("a picture that was stored with an odd seed", () => {
  it.each(["4294967295", "-1", "1.5", "NaN"])(
    "(%s) is adopted with the seed that was asked for",
    async (seed) => {
      await bench.deliver([request("template")]);
      const metadata = await bench.metadata("images/template.png");
      const requestId = randomUUID();
      await bench.put(`images/${requestId}.png`, await bench.get("images/template.png"), {
        ...metadata,
        seed,
      });
      await bench.putRecord(abandoned(requestId, -1));
      const { kept } = await bench.deliver([request(requestId)]);
      expect(kept).toEqual([]);
      expect(await bench.record(requestId)).toMatchObject({ status: "succeeded", attempts: 1, seed: 7 });
    },
  );
});

describe("another request under a used id", () => {
  const isTaken = { status: "rejected", reason: { code: "IdTaken", message: expect.any(String) } };

  it.each([
    ["prompt", { prompt: "Me on top of Mount Everest" }],
    ["negative prompt", { negativePrompt: "people" }],
    ["ratio", { aspectRatio: "16:9" }],
    ["format", { outputFormat: "jpeg" }],
    ["seed", { seed: 8 }],
  ])(
    "(with another %s) is rejected under its message's id, and the first one keeps its picture",
    async (_, other) => {
      const requestId = randomUUID();
      await bench.deliver([request(requestId, { seed: 7 })]);
      const before = await bench.record(requestId);
      const bill = bench.bedrock.bill.length;
      const { messageIds, kept, log } = await bench.deliver([request(requestId, { seed: 7, ...other })]);
      expect(kept).toEqual([]);
      expect(await bench.record(messageIds[0] ?? "")).toMatchObject({
        ...isTaken,
        body: request(requestId, { seed: 7, ...other }),
      });
      expect(log).toContain("IdTaken");
      expect(log).toContain('"Rejected":1');
      expect(log).not.toContain("Me on top");
      expect(await bench.record(requestId)).toEqual(before);
      expect(bench.bedrock.bill).toHaveLength(bill);
    },
  );

  it("is rejected as well before the first one is painted, and is not painted in its place", async () => {
    const first = abandoned("unfinished", -1);
    await bench.putRecord(first);
    const { messageIds } = await bench.deliver([request("unfinished", { prompt: "A fjord" })]);
    expect(await bench.record(messageIds[0] ?? "")).toMatchObject(isTaken);
    expect(await bench.record("unfinished")).toEqual(first);
  });

  it("is told from the same one without a seed, or with seed 0", async () => {
    await bench.deliver([request("any-seed")]);
    const { messageIds } = await bench.deliver([request("any-seed"), request("any-seed", { seed: 0 })]);
    for (const id of messageIds) expect(await bench.keys(`requests/${id}`)).toEqual([]);
  });

  it("is told from the copy of a prompt that was sent anew while another delivery was painting it", async () => {
    await bench.putRecord(abandoned("leased", 60_000));
    const { kept } = await bench.deliver([request("leased")], { receives: 9 });
    expect(kept).toEqual([]);
    const copy = (await bench.delayed()).find(({ body }) => body.includes('"leased"'));
    await bench.putRecord(abandoned("leased", -1));
    await bench.deliver([copy?.body ?? ""]);
    expect(await bench.record("leased")).toMatchObject({ status: "succeeded", seed: 7 });
  });
});

describe("a batch with one bad message", () => {
  it("is painted but for that one", async () => {
    const good = [randomUUID(), randomUUID()] as const;
    const { kept } = await bench.deliver([request(good[0]), "{", request(good[1])]);
    expect(kept).toEqual([]);
    for (const id of good) expect(await bench.record(id)).toMatchObject({ status: "succeeded" });
  });

  it("keeps only the one whose record nobody can read", async () => {
    await bench.put("requests/tampered.json", '{"status":"succeeded"}');
    const good = randomUUID();
    const { kept, log } = await bench.deliver([request("tampered"), request(good)]);
    expect(kept).toEqual([request("tampered")]);
    expect(log).toContain("UnreadableRecordError");
    expect(await bench.record(good)).toMatchObject({ status: "succeeded" });
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
