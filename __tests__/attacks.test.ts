import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConsumerBench } from "./support/consumer-bench.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
  bench.bedrock.setTrouble({ latencyMs: 0 });
});
afterAll(() => bench[Symbol.asyncDispose]());

describe("to be given another person's picture", () => {
  it("by using an id again whose record was deleted: nothing is delivered or overwritten", async () => {
    const requestId = `holiday-${randomUUID()}`;
    await bench.deliver([JSON.stringify({ requestId, prompt: "Alice on the beach" })]);
    const alice = await bench.get(`images/${requestId}.png`);
    await bench.remove(`requests/${requestId}.json`);
    const calls = bench.bedrock.calls.length;
    const bob = JSON.stringify({ requestId, prompt: "Bob in the mountains" });
    for (let delivery = 0; delivery < 3; delivery++) await bench.deliver([bob]);
    expect(await bench.record(requestId)).toMatchObject({ status: "rejected", reason: { code: "IdTaken" } });
    expect(Buffer.from(await bench.get(`images/${requestId}.png`)).equals(alice)).toBe(true);
    expect(bench.bedrock.calls.length - calls).toBeLessThanOrEqual(1);
  });
});

describe("to fill the log and the bucket", () => {
  it("with names of fields: the log has none of them, and the record a few", async () => {
    const requestId = randomUUID();
    const fields = Array.from({ length: 20_000 }, (_, index) => [`My neighbour ${index}`, 1]);
    const { log } = await bench.deliver([
      JSON.stringify({ requestId, prompt: "K2", ...Object.fromEntries(fields) }),
    ]);
    expect(log).not.toContain("neighbour");
    expect(log).toContain('"fields":["unknown","body"]');
    const record = await bench.record(requestId);
    if (record.status !== "rejected") throw new Error(`it is ${record.status}`);
    expect(record.reason.message.length).toBeLessThan(2_000);
    expect(record.reason.message).toMatch(/body: has 19990 more unknown fields$/);
  });
});
