import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type {
  FailedRecord,
  GeneratingRecord,
  QueuedRecord,
  RequestRecord,
} from "../functions/domain/record.ts";
import { ConsumerBench } from "./support/consumer-bench.ts";
import { askedRecord, requestBody } from "./support/sample-request.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.bedrock.setTrouble({ latencyMs: 0 }));

/** A record as an owner leaves it behind who died while painting. */
function abandoned(requestId: string, leaseEndsInMs: number): GeneratingRecord {
  const now = Date.now();
  return {
    ...askedRecord(requestId),
    status: "generating",
    timings: {
      queuedAt: new Date(now - 600_000).toISOString(),
      startedAt: new Date(now - 500_000).toISOString(),
    },
    lease: { owner: "somebody else", expiresAt: new Date(now + leaseEndsInMs).toISOString() },
  };
}

function failed(requestId: string): FailedRecord {
  const { lease: _, ...asked } = abandoned(requestId, -1);
  const timings = { ...asked.timings, finishedAt: new Date().toISOString() };
  return {
    ...asked,
    timings,
    status: "failed",
    reason: { code: "ModelTimeout", message: "no answer in time" },
  };
}

/** A record as the API leaves it behind when a request that failed is sent again. */
function askedAgain(requestId: string): QueuedRecord {
  const { lease: _, timings, ...asked } = abandoned(requestId, -1);
  return { ...asked, timings: { queuedAt: timings.queuedAt }, status: "queued" };
}

/** Puts a picture where a request's belongs, as this pipeline would, but for some of its metadata. */
async function storePicture(
  requestId: string,
  odd: Record<string, string> = {},
): Promise<Record<string, string>> {
  await bench.deliver([requestBody("template")]);
  const metadata = { ...(await bench.metadata("images/template.png")), ...odd };
  await bench.put(`images/${requestId}.png`, await bench.get("images/template.png"), metadata);
  return metadata;
}

describe("the same request", () => {
  it("delivered three times in a row is painted once", async () => {
    const bill = bench.bedrock.bill.length;
    for (let delivery = 0; delivery < 3; delivery++) await bench.deliver([requestBody("thrice")]);
    expect(bench.bedrock.bill).toHaveLength(bill + 1);
  });

  it("delivered three times at the same moment is painted once, and the other two wait for the lease", async () => {
    // Three environments are there before: a cold start takes longer than a picture.
    await bench.deliver([requestBody("warm-1"), requestBody("warm-2"), requestBody("warm-3")]);
    bench.bedrock.setTrouble({ latencyMs: 1000 });
    const bill = bench.bedrock.bill.length;
    const { kept } = await bench.deliver([
      requestBody("together"),
      requestBody("together"),
      requestBody("together"),
    ]);
    expect(kept).toHaveLength(2);
    expect(bench.bedrock.bill).toHaveLength(bill + 1);
    expect(await bench.record("together")).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("is left alone while another delivery holds its lease", async () => {
    const record = abandoned("held", 60_000);
    await bench.putRecord(record);
    const { kept } = await bench.deliver([requestBody("held")]);
    expect(kept).toHaveLength(1);
    expect(await bench.record("held")).toEqual(record);
    // It comes back when the lease ends.
    const leftSeconds = (Date.parse(record.lease?.expiresAt ?? "") - Date.now()) / 1000;
    expect(Math.abs((await bench.hiddenSeconds(requestBody("held"))) - leftSeconds)).toBeLessThan(2);
  });

  it("is painted by the next delivery once the lease has ended, with the seed that was drawn first", async () => {
    await bench.putRecord(abandoned("expired", -1));
    const { kept, log } = await bench.deliver([requestBody("expired")]);
    expect(kept).toEqual([]);
    expect(await bench.record("expired")).toMatchObject({ status: "succeeded", attempts: 2, seed: 7 });
    expect(log).toContain('"abandoned"');
    // The owner that died may have paid too.
    expect(log.match(/"EstimatedCostUsd":0\.04/g)).toHaveLength(2);
  });

  const given = { lease: null, reason: { code: "ModelTimeout", message: "no answer in time" } };
  it.each<[string, (requestId: string) => RequestRecord]>([
    ["died after it was stored", (requestId) => abandoned(requestId, -1)],
    ["gave the request back before it was stored", (id) => ({ ...abandoned(id, -1), ...given })],
    ["failed before it was stored", (requestId) => failed(requestId)],
    ["failed before it was stored, and it was asked for again", (requestId) => askedAgain(requestId)],
  ])("is not paid again when the picture is there, of an owner that %s", async (_, recordOf) => {
    const requestId = randomUUID();
    const { sha256 } = await storePicture(requestId);
    await bench.putRecord(recordOf(requestId));
    const calls = bench.bedrock.calls.length;
    const { kept, log } = await bench.deliver([requestBody(requestId)]);
    expect(kept).toEqual([]);
    expect(bench.bedrock.calls).toHaveLength(calls);
    expect(await bench.record(requestId)).toMatchObject({
      status: "succeeded",
      attempts: 1,
      image: { key: `images/${requestId}.png`, sha256 },
    });
    expect(log).toMatch(/"Images":1,"TimeToImage":6\d{5}\b/);
  });

  it("is counted as a duplicate when it comes after its picture", async () => {
    await bench.deliver([requestBody("late-copy")]);
    const { kept, log } = await bench.deliver([requestBody("late-copy")]);
    expect(kept).toEqual([]);
    expect(log).toContain('"DuplicateDeliveries":1');
  });
});

describe("a picture that was stored with an odd seed", () => {
  it.each(["4294967295", "-1", "1.5", "NaN"])(
    "(%s) is adopted with the seed that was asked for",
    async (seed) => {
      await bench.deliver([requestBody("template")]);
      const metadata = await bench.metadata("images/template.png");
      const requestId = randomUUID();
      await bench.put(`images/${requestId}.png`, await bench.get("images/template.png"), {
        ...metadata,
        seed,
      });
      await bench.putRecord(abandoned(requestId, -1));
      const { kept } = await bench.deliver([requestBody(requestId)]);
      expect(kept).toEqual([]);
      expect(await bench.record(requestId)).toMatchObject({ status: "succeeded", attempts: 1, seed: 7 });
    },
  );
});

describe("a picture that this pipeline cannot have stored", () => {
  it.each(["model-ms", "cost-usd"])(
    "(%s below zero) is not adopted, and its record stays as it was",
    async (name) => {
      const requestId = randomUUID();
      await storePicture(requestId, { [name]: "-1" });
      const before = abandoned(requestId, -1);
      await bench.putRecord(before);
      const { kept, log } = await bench.deliver([requestBody(requestId)]);
      expect(kept).toHaveLength(1);
      expect(log).toContain("ForeignImageError");
      expect(await bench.record(requestId)).toEqual(before);
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
      await bench.deliver([requestBody(requestId, { seed: 7 })]);
      const before = await bench.record(requestId);
      const bill = bench.bedrock.bill.length;
      const { messageIds, kept, log } = await bench.deliver([requestBody(requestId, { seed: 7, ...other })]);
      expect(kept).toEqual([]);
      expect(await bench.record(messageIds[0] ?? "")).toMatchObject({
        ...isTaken,
        body: requestBody(requestId, { seed: 7, ...other }),
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
    const { messageIds } = await bench.deliver([requestBody("unfinished", { prompt: "A fjord" })]);
    expect(await bench.record(messageIds[0] ?? "")).toMatchObject(isTaken);
    expect(await bench.record("unfinished")).toEqual(first);
  });

  it("is told from the same one without a seed, or with seed 0", async () => {
    await bench.deliver([requestBody("any-seed")]);
    const { messageIds } = await bench.deliver([
      requestBody("any-seed"),
      requestBody("any-seed", { seed: 0 }),
    ]);
    for (const id of messageIds) expect(await bench.keys(`requests/${id}`)).toEqual([]);
  });

  it("is told from the copy of a prompt that was re-sent while another delivery was painting it", async () => {
    await bench.putRecord(abandoned("leased", 60_000));
    const { kept } = await bench.deliver([requestBody("leased")], { receives: 9 });
    expect(kept).toEqual([]);
    const copy = (await bench.delayed()).find(({ body }) => body.includes('"leased"'));
    await bench.putRecord(abandoned("leased", -1));
    await bench.deliver([copy?.body ?? ""]);
    expect(await bench.record("leased")).toMatchObject({ status: "succeeded", seed: 7 });
  });
});
