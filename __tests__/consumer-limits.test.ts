import { describe, expect, it } from "vitest";
import { CORE, ConsumerBench } from "./support/consumer-bench.ts";

const body = JSON.stringify({ requestId: "late", prompt: "Me on top of K2" });

describe("an invocation that is running out of time", () => {
  it("does not begin to paint, and counts no attempt", async () => {
    await using bench = await ConsumerBench.start({ timeoutSeconds: 9 });
    const { kept } = await bench.deliver([body]);
    expect(kept).toEqual([body]);
    expect(bench.bedrock.calls).toEqual([]);
    expect(await bench.record("late")).toMatchObject({
      status: "generating",
      attempts: 0,
      lease: null,
      reason: { code: "OutOfTime" },
    });
  });

  it("ends the call of a model that does not answer, gives the lease back and counts the attempt", async () => {
    await using bench = await ConsumerBench.start({ timeoutSeconds: 12 });
    bench.bedrock.setTrouble({ every: "hang" });
    const { kept } = await bench.deliver([body]);
    expect(kept).toEqual([body]);
    expect(bench.bedrock.calls).toEqual([CORE]);
    expect(await bench.record("late")).toMatchObject({
      status: "generating",
      attempts: 1,
      lease: null,
      reason: { code: "ModelTimeout" },
    });
  });
});

describe("a bucket that was there before", () => {
  it("gets pictures and records below its prefix only", async () => {
    await using bench = await ConsumerBench.start({
      settings: { imageBucket: { kind: "existing", name: "the-teams-bucket", keyPrefix: "couch/" } },
    });
    await bench.deliver([body]);
    const keys = await bench.keys();
    expect(keys).toEqual(expect.arrayContaining(["couch/images/late.png", "couch/requests/late.json"]));
    expect(keys.filter((key) => !key.startsWith("couch/"))).toEqual([]);
  });
});
