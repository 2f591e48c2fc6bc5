import { describe, expect, it } from "vitest";
import { answer, changes, troubles } from "../bench/capacity/answer.ts";
import type { Question } from "../bench/capacity/question.ts";
import { describeChanges } from "../bench/capacity/report.ts";
import { simulate } from "../bench/capacity/simulate.ts";
import { checkPlanner } from "../bench/planner.ts";
import { isThorough } from "./support/thorough.ts";

const model = {
  id: "core",
  pricePerImageUsd: 0.04,
  latency: 10,
  latencySpread: 0,
  throttle: 0,
  failures: 0,
};

function question(change: Partial<Question> = {}): Question {
  return {
    prompts: 1000,
    within: 0,
    models: [model],
    consumer: {
      memoryMb: 1024,
      timeout: 120,
      modelTimeout: 50,
      maximumConcurrency: 20,
      receiveLimit: 10,
    },
    retention: 345_600,
    measured: { cpuPerPicture: 0, cpuToStart: 0, write: 0 },
    thresholds: {
      timeToImageSeconds: 60,
      expiringPromptSeconds: 432_000,
      consumerDurationSeconds: 50,
      rejectedPercent: 50,
      spendUsdPerHour: 39,
      spendUsdPerDay: 117,
      spendUsdPerWeek: 390,
    },
    seed: 1,
    ...change,
  };
}

describe("the capacity planner", () => {
  // Other test files at work would make the real pipeline slower.
  describe.runIf(isThorough)("foresees the real pipeline within a tenth", () => {
    it.concurrent.each([0, 0.1])("with %d of the calls throttled", async (throttle) => {
      const { planned, real } = await checkPlanner(6, throttle);
      expect(planned).toBeGreaterThan(0.9 * real);
      expect(planned).toBeLessThan(1.1 * real);
    });
  });

  it("comes to prompts × latency ÷ concurrency where the pipeline itself takes no time", () => {
    // As many as Lambda starts with, so that none of them comes later.
    const consumer = { ...question().consumer, maximumConcurrency: 5 };
    expect(answer(question({ consumer })).lastPicture).toBeCloseTo((1000 * 10) / 5, 6);
  });

  it("gives the same answer for the same seed, and another for another", () => {
    const models = [{ ...model, latencySpread: 0.3, throttle: 0.1 }];
    expect(simulate(question({ models }))).toEqual(simulate(question({ models })));
    expect(simulate(question({ models, seed: 2 })).waits).not.toEqual(simulate(question({ models })).waits);
  });

  it("loses no prompt: each is a picture, a dead letter, or too old for the queue", () => {
    const run = simulate(
      question({
        models: [{ ...model, failures: 0.8 }],
        consumer: { ...question().consumer, receiveLimit: 3 },
        retention: 900,
        within: 100,
      }),
    );
    expect(run.deadLetters).toBeGreaterThan(0);
    expect(run.expired).toBeGreaterThan(0);
    expect(run.finished.length + run.deadLetters + run.expired).toBe(1000);
  });

  it("starts with five invocations and adds five for each second of a backlog, as Lambda does", () => {
    const consumer = { ...question().consumer, maximumConcurrency: 1000 };
    const { finished } = simulate(question({ consumer, prompts: 100 }));
    expect(finished.filter((at) => at <= 10)).toHaveLength(5);
    expect(finished.filter((at) => at <= 13)).toHaveLength(20);
  });

  it("calls a model that takes nothing once for each receive, as the consumer does", () => {
    const { throttled, finished, calls } = simulate(
      question({
        models: [{ ...model, throttle: 1 - Number.EPSILON }],
        retention: 600,
        prompts: 100,
      }),
    );
    expect(finished).toEqual([]);
    // Each receive writes that it is claimed, and that it waits again.
    expect(throttled).toBe(calls.s3Writes / 2);
  });

  it("asks for a higher limit first where the limit is what users wait for", () => {
    const [first] = changes(question());
    expect(first?.what).toMatch(/^a limit of 40 calls at once for core/);
    expect(first?.answer.lastPicture).toBeLessThan(0.52 * answer(question()).lastPicture);
  });

  const troublesOf = (change: Partial<Question>) => {
    const asked = question(change);
    return troubles(asked, answer(asked));
  };

  it("names the alarms of the deployment that fire, and when", () => {
    expect(troublesOf({ prompts: 20 })).toEqual([]);
    expect(troublesOf({})).toEqual([
      "time-to-image after 4.0 min",
      "spend-hour, which stops the consumer, after 9.0 min",
    ]);
  });

  it("counts what a call that fails may cost, and names the alarm on failed tries", () => {
    const failing = question({ models: [{ ...model, failures: 0.5 }] });
    const { run, cost } = answer(failing);
    expect(cost.models).toBeGreaterThan(1.8 * run.finished.length * model.pricePerImageUsd);
    expect(troubles(failing, answer(failing))).toContainEqual(expect.stringMatching(/^failed-tries after /));
  });

  it("names the alarm on fallbacks where the first model is throttled for long", () => {
    const models = [
      { ...model, throttle: 0.95 },
      { ...model, id: "other" },
    ];
    expect(troublesOf({ models, prompts: 3000 })).toContainEqual(
      expect.stringMatching(/^model-fallback after /),
    );
  });

  it("sends prompts that are throttled for as long as the queue keeps one to the dead-letter queue", () => {
    const run = simulate(
      question({ prompts: 10, models: [{ ...model, throttle: 1 - Number.EPSILON }], retention: 14_400 }),
    );
    expect([run.deadLetters, run.expired]).toEqual([10, 0]);
  });

  it("does not say that there is nothing to change while prompts are lost", () => {
    const lossy = question({ prompts: 2000, retention: 300 });
    const found = answer(lossy);
    expect(found.run.expired).toBeGreaterThan(0);
    expect(describeChanges(changes(lossy), found)).toMatch(
      /^What to change first:\n {2}1\. a limit of 40 calls at once .*: \d+ without a picture, /,
    );
  });

  it("refuses what makes no sense, everything by name", () => {
    const { consumer } = question();
    expect(() =>
      simulate(
        question({
          prompts: 0.5,
          within: -1,
          consumer: { ...consumer, maximumConcurrency: 0 },
          models: [{ ...model, latency: -3, pricePerImageUsd: 0 }],
        }),
      ),
    ).toThrow(
      [
        "prompts = 0.5 must be a whole number above 0",
        "within = -1 must not be negative",
        "concurrency = 0 must be above 0",
        "core: latency = -3 must be above 0 seconds",
        "core: price = 0 must be above 0 US dollars",
      ].join("\n"),
    );
  });
});
