import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { answer, lowestSufficientLimit } from "../bench/capacity/answer.ts";
import { questionOf } from "../bench/capacity/ask.ts";
import type { Question } from "../bench/capacity/question.ts";
import { describeChange, troubles } from "../bench/capacity/report.ts";
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
    consumer: { memoryMb: 1024, timeoutSeconds: 120, modelTimeoutSeconds: 50, receiveLimit: 10 },
    ...{ maximumConcurrency: 20, mostConcurrency: 1000 },
    ...{ retention: 345_600, cpuPerPicture: 0, cpuToStart: 0, write: 0 },
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
  it.runIf(isThorough)(
    "foresees the real pipeline within a tenth where a tenth of the calls is throttled",
    { timeout: 240_000 },
    async () => {
      // Which calls are throttled is luck, and evens out over many of them.
      const { planned, real } = await checkPlanner(24, 0.5, 0.1);
      expect(planned).toBeGreaterThan(0.9 * real);
      expect(planned).toBeLessThan(1.1 * real);
    },
  );

  it("comes to prompts × latency ÷ concurrency where the pipeline itself takes no time", () => {
    // As many as Lambda starts with, so that none of them comes later.
    expect(answer(question({ maximumConcurrency: 5 })).lastPicture).toBeCloseTo((1000 * 10) / 5, 6);
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
    const { finished } = simulate(question({ maximumConcurrency: 1000, prompts: 100 }));
    expect(finished.filter((at) => at <= 10)).toHaveLength(5);
    expect(finished.filter((at) => at <= 13)).toHaveLength(20);
  });

  it("calls a model that takes nothing once for each receive, as the consumer does", () => {
    const { throttled, finished, s3Writes } = simulate(
      question({
        models: [{ ...model, throttle: 1 - Number.EPSILON }],
        retention: 600,
        prompts: 100,
      }),
    );
    expect(finished).toEqual([]);
    // Each receive writes that it is claimed, and that it waits again.
    expect(throttled).toBe(s3Writes / 2);
  });

  it("lets a model take no more calls a minute than its limit", () => {
    const models = [{ ...model, requestsPerMinute: 30 }];
    const { finished, throttled } = simulate(question({ models, prompts: 90 }));
    expect(throttled).toBeGreaterThan(0);
    const calls = Map.groupBy(finished, (at) => Math.floor((at - model.latency) / 60));
    expect(calls.get(0)).toHaveLength(30);
    expect(Math.max(...[...calls.values()].map(({ length }) => length))).toBe(30);
  });

  it("lets a fallback take no more calls at once than its limit", () => {
    const models = [
      { ...model, throttle: 1 - Number.EPSILON },
      { ...model, id: "other", concurrency: 3 },
    ];
    const { finished } = simulate(question({ models, prompts: 90 }));
    expect(finished).toHaveLength(90);
    for (const at of finished) {
      expect(
        finished.filter((other) => other > at - model.latency && other <= at).length,
      ).toBeLessThanOrEqual(3);
    }
  });

  it("plans with each model's own limit, and with what the account runs", async () => {
    const load = { environment: "prod", users: 1, promptsPerUser: 1, within: 0, throttle: 0, failures: 0 };
    const asked = { ...load, latency: 10, latencySpread: 0, seed: 1, accountConcurrency: 200 };
    const { models, mostConcurrency } = await questionOf(asked);
    expect(models.map(({ concurrency }) => concurrency)).toEqual([undefined, 10]);
    expect(mostConcurrency).toBe(149);
  });

  it("finds the lowest limit that keeps the objective", () => {
    const asked = question({ prompts: 500 });
    const { what, answer: found } = lowestSufficientLimit(asked);
    const limit = Number(/^with (\d+) calls at once, the first/.exec(what)?.[1]);
    expect(found.p95).toBeLessThanOrEqual(asked.thresholds.timeToImageSeconds);
    const oneLess = answer(question({ prompts: 500, maximumConcurrency: limit - 1 }));
    expect(oneLess.p95).toBeGreaterThan(asked.thresholds.timeToImageSeconds);
  });

  it.each<[string, Partial<Question>]>([
    ["where Lambda starts too few invocations in time", {}],
    ["where the account runs too few", { prompts: 500, mostConcurrency: 30 }],
    ["where the model fails too often", { models: [{ ...model, failures: 0.9 }] }],
    ["where a minute's calls are too few", { models: [{ ...model, requestsPerMinute: 60 }] }],
  ])("says that no limit keeps the objective %s", (_, change) => {
    expect(lowestSufficientLimit(question(change)).what).toBe(
      `no limit keeps the objective, not even ${change.mostConcurrency ?? 1000} calls at once`,
    );
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

  const changeOf = (change: Partial<Question>) => {
    const asked = question(change);
    return describeChange(asked, answer(asked), lowestSufficientLimit(asked));
  };

  it("says that there is nothing to change only where the objective is kept", () => {
    expect(changeOf({ prompts: 20 })).toMatch(/^Nothing to change: this keeps the objective/);
    expect(changeOf({ prompts: 500 })).toMatch(
      /^What to change first .*\n {2}with \d+ calls at once, the first that keeps/,
    );
  });

  it("names the prompts that are lost although the limit is raised", () => {
    const models = [{ ...model, failures: 0.9 }];
    expect(changeOf({ models })).toMatch(
      /no limit keeps the objective.*\d+ prompts in the dead-letter queue$/,
    );
  });

  it("refuses values that cannot be planned, everything by name", async () => {
    const load = { environment: "prod", promptsPerUser: 1, within: 0, throttle: 0, failures: 0, seed: 1 };
    const asked = { ...load, users: 5_000_001, latency: 50, latencySpread: 0, concurrency: 0 };
    await expect(questionOf(asked)).rejects.toThrow(
      [
        "models.0.concurrency must be a whole number of calls at once from 1 to 1000",
        "5000001 prompts are more than 5000000. Plan a day, not a year",
        "a latency of 50 s is not below the model's time-out of 50 s: most prompts would never be painted. Use a shorter one",
      ].join("\n"),
    );
  });

  it.each([
    ["--latency", "0s", "Give a time above 0s."],
    ["--within", "-1s", "Use the form 30s, 10m or 24h."],
    ["--throttle", "1", "Give a number from 0 to 0.999."],
    ["--latency-spread", "", "Give a number from 0 to 2."],
    ["--users", "0.5", "Give a whole number from 1 to 1000000000."],
  ])("refuses %s=%s by name", (option, value, fix) => {
    const { stderr, status } = spawnSync(
      process.execPath,
      ["bench/capacity/index.ts", `${option}=${value}`],
      {
        encoding: "utf8",
      },
    );
    expect(status).toBe(1);
    expect(stderr).toContain(`argument '${value}' is invalid. ${fix}`);
  });
});
