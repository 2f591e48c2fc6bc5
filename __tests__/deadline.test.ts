import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ConsumerBench } from "./support/consumer-bench.ts";
import { askedRecord, requestBody } from "./support/sample-request.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.bedrock.setTrouble({ latencyMs: 0 }));

const ago = (ms: number) => new Date(Date.now() - ms);

describe("a prompt with a deadline", () => {
  it("is painted before it", async () => {
    await bench.deliver([requestBody("in-time", { expiresInSeconds: 60 })], { sentAt: ago(50_000) });
    expect(await bench.record("in-time")).toMatchObject({ status: "succeeded" });
  });

  it("ends as expired after it, and nothing is paid", async () => {
    const bill = bench.bedrock.bill.length;
    const { kept } = await bench.deliver([requestBody("late", { expiresInSeconds: 60 })], {
      sentAt: ago(61_000),
    });
    expect(kept).toEqual([]);
    expect(await bench.record("late")).toMatchObject({
      status: "expired",
      attempts: 0,
      prompt: "Me on top of K2",
    });
    expect(bench.bedrock.bill).toHaveLength(bill);
  });

  it("is counted from the first send in a copy that the consumer re-sent", async () => {
    const firstSentMs = ago(61_000).getTime();
    await bench.deliver([requestBody("copied", { expiresInSeconds: 60, firstSentMs })]);
    expect(await bench.record("copied")).toMatchObject({ status: "expired" });
  });

  it("keeps it in the copy that the consumer re-sends", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    await bench.deliver([requestBody("re-sent", { expiresInSeconds: 600 })], { receives: 9 });
    const copy = (await bench.delayed()).find(({ body }) => body.includes('"re-sent"'));
    expect(JSON.parse(copy?.body ?? "")).toMatchObject({ expiresInSeconds: 600 });
  });

  it("that passes while a model fails is not given to the next model", async () => {
    bench.bedrock.setTrouble({ latencyMs: 1200, every: "InferenceError" });
    const { log, kept } = await bench.deliver([requestBody("meanwhile", { expiresInSeconds: 1 })]);
    expect(kept).toEqual([]);
    expect(await bench.record("meanwhile")).toMatchObject({ status: "expired", attempts: 1 });
    expect(log.match(/"event":"not painted"/g)).toHaveLength(1);
  });

  it("has its picture after it, where an earlier owner had stored one", async () => {
    await bench.deliver([requestBody("template")]);
    const metadata = await bench.metadata("images/template.png");
    await bench.put("images/stored.png", await bench.get("images/template.png"), metadata);
    await bench.putRecord({
      ...askedRecord("stored"),
      status: "generating",
      expiresAt: ago(1000).toISOString(),
      timings: { queuedAt: ago(600_000).toISOString(), startedAt: ago(500_000).toISOString() },
      lease: { owner: "somebody else", expiresAt: ago(1).toISOString() },
    });
    const bill = bench.bedrock.bill.length;
    await bench.deliver([requestBody("stored", { expiresInSeconds: 1 })]);
    expect(await bench.record("stored")).toMatchObject({ status: "succeeded" });
    expect(bench.bedrock.bill).toHaveLength(bill);
  });
});
