import { describe, expect, it } from "vitest";
import { checkSettings } from "../config/check.ts";
import { derive } from "../config/derived.ts";
import type { SettingsInput } from "../config/settings.ts";
import { sampleSettings, settingsWith } from "./support/synthesise.ts";

/** `path message` of every problem. */
function problemsOf(change: Partial<SettingsInput>): string[] {
  const result = checkSettings({ ...sampleSettings, ...change });
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
}

describe("thresholds", () => {
  it("follow from the model's time-out and the budget", () => {
    expect(derive(settingsWith({ monthlyBudgetUsd: 100 })).thresholds).toEqual({
      timeToImageSeconds: 60,
      expiringPromptSeconds: 5 * 86_400,
      consumerDurationSeconds: 50,
      rejectedPercent: 50,
      spendUsdPerHour: 2,
      spendUsdPerDay: 6,
      spendUsdPerWeek: 20,
    });
  });

  it("can be set; the limits of a day and a week follow from the budget alone", () => {
    const alarms = {
      ...{ timeToImageObjectiveSeconds: 90, consumerDurationSeconds: 70 },
      ...{ rejectedPercent: 20, spendLimitUsdPerHour: 5 },
    };
    expect(derive(settingsWith({ alarms })).thresholds).toEqual({
      timeToImageSeconds: 90,
      expiringPromptSeconds: 5 * 86_400,
      consumerDurationSeconds: 70,
      rejectedPercent: 20,
      spendUsdPerHour: 5,
      spendUsdPerDay: 120,
      spendUsdPerWeek: 400,
    });
  });

  it.each([
    [
      { timeToImageObjectiveSeconds: 8 },
      "alarms.timeToImageObjectiveSeconds is not above the 10 seconds of a typical model call: the alarm would always fire. Raise it, or leave it out",
    ],
    [
      { timeToImageObjectiveSeconds: 900_000 },
      "alarms.timeToImageObjectiveSeconds is never exceeded: 864000 seconds is the maximum. Lower it, or leave it out",
    ],
    [
      { consumerDurationSeconds: 120 },
      "alarms.consumerDurationSeconds is never exceeded: 120 seconds is the maximum. Lower it, or leave it out",
    ],
    [
      { spendLimitUsdPerHour: 0.05 },
      "alarms.spendLimitUsdPerHour is below the price of one picture, 0.08 US dollars. Raise it",
    ],
    [
      { spendLimitUsdPerHour: 120 },
      "alarms.spendLimitUsdPerHour is not below the limit of a day, 120 US dollars (6 % of monthlyBudgetUsd). Lower it, or raise monthlyBudgetUsd",
    ],
    [{ rejectedPercent: 100 }, "alarms.rejectedPercent must be below 100"],
    [{ spendLimitUsdPerHour: 0 }, "alarms.spendLimitUsdPerHour must be above 0"],
  ])("%j is refused", (alarms, problem) => {
    expect(problemsOf({ alarms })).toEqual([problem]);
  });

  it.each([
    [
      1,
      "monthlyBudgetUsd sets an hourly limit of 0.02 US dollars (2 %), which is below the price of one picture, 0.08 US dollars. Raise it",
    ],
    [
      1_000_000,
      "monthlyBudgetUsd sets an hourly limit of 20000 US dollars (2 %), which is never exceeded: all models together cost at most 2304 US dollars an hour. Lower it",
    ],
  ])("that follow from a budget of %d US dollars are refused", (monthlyBudgetUsd, problem) => {
    expect(problemsOf({ monthlyBudgetUsd })).toEqual([problem]);
  });
});

describe("existing topics", () => {
  it("must be in the region of the alarms", () => {
    const page = "arn:aws:sns:us-east-1:123456789012:pager";
    expect(problemsOf({ alarms: { existingTopics: { page } } })).toEqual([
      "alarms.existingTopics.page is in us-east-1, but an alarm can only notify topics in its own region. Use a topic in eu-west-1",
    ]);
  });

  it.each(["on-call", "arn:aws:sqs:eu-west-1:123456789012:q", "arn:aws:sns:eu-west-1:123456789012:a.fifo"])(
    "must be ARNs of standard topics, unlike %s",
    (page) => {
      expect(problemsOf({ alarms: { existingTopics: { page } } })).toEqual([
        "alarms.existingTopics.page is not the ARN of a standard topic. Use the form arn:aws:sns:eu-west-1:123456789012:on-call",
      ]);
    },
  );
});
