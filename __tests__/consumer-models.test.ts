import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CORE, ConsumerBench, SD35 } from "./support/consumer-bench.ts";
import { requestBody } from "./support/sample-request.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.bedrock.setTrouble({ latencyMs: 0 }));

describe("the chain of models", () => {
  it.each([
    "ThrottlingException",
    "ServiceUnavailableException",
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ValidationException",
    "InternalServerException",
    "InferenceError",
  ] as const)("paints with the second model when the first answers %s", async (every) => {
    bench.bedrock.setTrouble({ latencyMs: 0, models: { [CORE]: { every } } });
    const requestId = randomUUID();
    const { log } = await bench.deliver([requestBody(requestId)]);
    expect(await bench.record(requestId)).toMatchObject({ status: "succeeded", model: SD35, costUsd: 0.08 });
    expect(log).toContain('"Fallbacks":1');
  });

  it("counts no fallback where the first model paints", async () => {
    const { log } = await bench.deliver([requestBody(randomUUID())]);
    expect(log).toContain('"Fallbacks":0');
  });
});

describe("a prompt that no model of the chain paints", () => {
  it.each([
    ["ModelErrorException", "ThrottlingException", { status: "generating", attempts: 1, lease: null }],
    ["ThrottlingException", "ModelErrorException", { status: "generating", attempts: 1, lease: null }],
    ["ThrottlingException", "AccessDeniedException", { status: "generating", attempts: 0, lease: null }],
    ["AccessDeniedException", "ThrottlingException", { status: "generating", attempts: 0, lease: null }],
  ] as const)("is judged by the answer that weighs most of %s and %s", async (first, second, judged) => {
    const models = { [CORE]: { every: first }, [SD35]: { every: second } };
    bench.bedrock.setTrouble({ latencyMs: 0, models });
    const requestId = randomUUID();
    const { kept } = await bench.deliver([requestBody(requestId)]);
    expect(kept).toHaveLength(1);
    expect(await bench.record(requestId)).toMatchObject(judged);
  });
});

describe("a call of a model", () => {
  it("is not made again by a throttled model: the prompt waits in the queue", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    const calls = bench.bedrock.calls.length;
    await bench.deliver([requestBody(randomUUID())]);
    expect(bench.bedrock.calls.slice(calls)).toEqual([CORE, SD35]);
  });

  it.each(["reset", "InternalServerException", "ModelTimeoutException"] as const)(
    "is not repeated after %s, which may have been paid: the next model of the chain is asked",
    async (outcome) => {
      bench.bedrock.setTrouble({ latencyMs: 0, script: [outcome] });
      const requestId = randomUUID();
      await bench.deliver([requestBody(requestId)]);
      expect(await bench.record(requestId)).toMatchObject({ status: "succeeded", model: SD35 });
    },
  );
});

describe("a prompt that no model takes for the moment", () => {
  it("stays in the queue, hidden, with its lease given back and no attempt counted", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    const { kept } = await bench.deliver([requestBody("throttled")]);
    expect(kept).toHaveLength(1);
    expect(await bench.record("throttled")).toMatchObject({
      status: "generating",
      attempts: 0,
      lease: null,
      reason: { code: "ThrottlingException" },
    });
  });

  it("is re-sent before its receives run out, with its attributes, so that throttling alone loses nothing", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    const { kept } = await bench.deliver([requestBody("patient")], { receives: 9 });
    expect(kept).toEqual([]);
    const copies = await bench.delayed();
    expect(copies.find(({ body }) => body.includes('"patient"'))).toMatchObject({
      body: expect.stringMatching(/"prompt":"Me on top of K2".*"firstSentMs":\d{13}/),
      messageAttributes: { sender: { StringValue: "the test" } },
    });
  });

  it("is given up on its last receive instead of being re-sent when it is older than the queue keeps prompts", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    const sentAt = new Date(Date.now() - 11 * 86_400_000);
    const first = await bench.deliver([requestBody("old")], { receives: 9, sentAt });
    expect(first.kept).toHaveLength(1);
    expect(await bench.record("old")).toMatchObject({ status: "generating", lease: null });
    const last = await bench.deliver([requestBody("old")], { receives: 10, sentAt });
    expect(last.kept).toHaveLength(1);
    expect(await bench.record("old")).toMatchObject({
      status: "failed",
      reason: { code: "ThrottlingException" },
    });
  });
});

describe("when a prompt was first sent", () => {
  const DAY_MS = 86_400_000;
  const queuedMs = async (requestId: string) => {
    const record = await bench.record(requestId);
    return "timings" in record && Date.parse(record.timings.queuedAt ?? "");
  };

  it("is told by its copy, and handed on to the next one", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    const firstSentMs = Date.now() - DAY_MS;
    await bench.deliver([requestBody("copied", { firstSentMs })], { receives: 9 });
    expect(await queuedMs("copied")).toBe(firstSentMs);
    const copy = (await bench.delayed()).find(({ body }) => body.includes('"copied"'));
    expect(JSON.parse(copy?.body ?? "")).toMatchObject({ firstSentMs });
  });

  it("cannot be in the future: such a prompt is given up like any other", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ThrottlingException" });
    const sentAt = new Date(Date.now() - 11 * DAY_MS);
    const body = requestBody("future", { firstSentMs: 9_999_999_999_999 });
    const { kept } = await bench.deliver([body], { receives: 10, sentAt });
    expect(kept).toHaveLength(1);
    expect(await bench.record("future")).toMatchObject({ status: "failed" });
  });

  it("cannot be longer ago than a prompt is kept: no forged value makes the time to a picture any longer", async () => {
    const sentAt = new Date();
    const { log } = await bench.deliver([requestBody("past", { firstSentMs: 1 })], { sentAt });
    expect(await queuedMs("past")).toBe(sentAt.getTime() - 10 * DAY_MS);
    expect(Number(/"TimeToImage":(\d+)/.exec(log)?.[1])).toBeLessThan(10 * DAY_MS + 60_000);
  });
});

describe("a prompt whose painting fails", () => {
  it("counts the attempt and is tried again", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ModelErrorException" });
    const { kept } = await bench.deliver([requestBody("unlucky")]);
    expect(kept).toHaveLength(1);
    expect(await bench.record("unlucky")).toMatchObject({ status: "generating", attempts: 1, lease: null });
    bench.bedrock.setTrouble({ latencyMs: 0 });
    await bench.deliver([requestBody("unlucky")]);
    expect(await bench.record("unlucky")).toMatchObject({ status: "succeeded", attempts: 2 });
  });

  it("is failed on its last receive, for SQS to move it to the dead-letter queue", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ModelErrorException" });
    const { kept } = await bench.deliver([requestBody("doomed")], { receives: 10 });
    expect(kept).toHaveLength(1);
    expect(await bench.record("doomed")).toMatchObject({
      status: "failed",
      reason: { code: "ModelErrorException" },
    });
  });

  it("can be painted after all when it is redriven", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "InternalServerException" });
    await bench.deliver([requestBody("redriven")], { receives: 10 });
    bench.bedrock.setTrouble({ latencyMs: 0 });
    await bench.deliver([requestBody("redriven")]);
    expect(await bench.record("redriven")).toMatchObject({ status: "succeeded" });
  });

  it("is not failed again by the first hiccup after it was redriven: it will be painted", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ModelErrorException" });
    for (let receives = 1; receives <= 10; receives++)
      await bench.deliver([requestBody("hiccup")], { receives });
    expect(await bench.record("hiccup")).toMatchObject({ status: "failed", attempts: 10 });
    const { kept } = await bench.deliver([requestBody("hiccup")], { receives: 1 });
    expect(kept).toHaveLength(1);
    expect(await bench.record("hiccup")).toMatchObject({ status: "generating", attempts: 11, lease: null });
  });

  it("can be received at once after its last receive, so that SQS moves it without delay", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ModelErrorException" });
    await bench.deliver([requestBody("last")], { receives: 10 });
    expect(await bench.hiddenSeconds(requestBody("last"))).toBe(0);
  });

  it("waits longer each time", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "ModelErrorException" });
    await bench.deliver([requestBody("late")], { receives: 9 });
    expect(await bench.hiddenSeconds(requestBody("late"))).toBeGreaterThan(100);
  });

  it("waits at most a minute where somebody has to change something: it is to be a dead letter soon", async () => {
    bench.bedrock.setTrouble({ latencyMs: 0, every: "AccessDeniedException" });
    await bench.deliver([requestBody("denied")], { receives: 9 });
    const seconds = await bench.hiddenSeconds(requestBody("denied"));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
  });

  it.each(["AccessDeniedException", "ResourceNotFoundException", "ValidationException"] as const)(
    "for %s shows the reason from the first receive on, and is failed on the last one only",
    async (every) => {
      bench.bedrock.setTrouble({ latencyMs: 0, every });
      const requestId = randomUUID();
      for (const receives of [1, 9]) {
        const { kept } = await bench.deliver([requestBody(requestId)], { receives });
        expect(kept).toHaveLength(1);
        expect(await bench.record(requestId)).toMatchObject({
          status: "generating",
          lease: null,
          reason: { code: every },
        });
      }
      await bench.deliver([requestBody(requestId)], { receives: 10 });
      expect(await bench.record(requestId)).toMatchObject({ status: "failed", reason: { code: every } });
    },
  );
});
