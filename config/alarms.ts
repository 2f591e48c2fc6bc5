import { z } from "zod";
import { models } from "../functions/domain/models.ts";
import { SECONDS_PER_PICTURE, STORING_SECONDS } from "../functions/domain/timing.ts";
import { type SettingsProblem, settingsSchema } from "./settings.ts";

const DAY_SECONDS = 86_400;

/**
 * The part of a month's budget that models may cost within an hour, a day and a week before the consumer is stopped.
 * An alarm looks back seven days at most, so no alarm sees a month. But 31 days are four weeks and three days, and
 * 4 × 20 % + 3 × 6 % = 98 %: spending that keeps the limits keeps the budget.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html (Period)
 */
const PART_OF_BUDGET = { hour: 0.02, day: 0.06, week: 0.2 };

/** The longest that SQS keeps a message, in seconds. */
export const LONGEST_RETENTION_SECONDS = 14 * DAY_SECONDS;

/**
 * How long SQS keeps a prompt, in seconds. In the dead-letter queue a message's age counts from when it was sent, so
 * the difference to the longest is the time to redrive a prompt that was given up at the last moment: a long weekend.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
 */
export const PROMPT_RETENTION_SECONDS = LONGEST_RETENTION_SECONDS - 4 * DAY_SECONDS;

/** What the alarms compare with. */
export interface Thresholds {
  readonly timeToImageSeconds: number;
  /** The age of the oldest prompt, half way to the end of its retention. */
  readonly expiringPromptSeconds: number;
  readonly consumerDurationSeconds: number;
  readonly rejectedPercent: number;
  readonly spendUsdPerHour: number;
  readonly spendUsdPerDay: number;
  readonly spendUsdPerWeek: number;
}

const { models: modelsSchema, consumer: consumerSchema } = settingsSchema.shape;

const relevant = settingsSchema
  .pick({ region: true, monthlyBudgetUsd: true, alarms: true })
  .extend({
    consumer: consumerSchema.pick({ timeoutSeconds: true, modelTimeoutSeconds: true }).strip(),
    models: z
      .array(modelsSchema.element.pick({ id: true, concurrency: true, pricePerImageUsd: true }).strip())
      .min(1),
  })
  .strip();

/** The settings that the thresholds follow from. */
export type AlarmInput = z.output<typeof relevant>;

/** What an invocation needs beside one call of a model, in seconds: to claim the prompts before it, to store after it. */
export const BESIDE_CALL_SECONDS = 2 + STORING_SECONDS;

export function thresholdsOf({ alarms, consumer, monthlyBudgetUsd }: AlarmInput): Thresholds {
  const timeToImageSeconds =
    alarms.timeToImageObjectiveSeconds ?? consumer.modelTimeoutSeconds + BESIDE_CALL_SECONDS;
  return {
    timeToImageSeconds,
    expiringPromptSeconds: PROMPT_RETENTION_SECONDS / 2,
    consumerDurationSeconds: alarms.consumerDurationSeconds ?? consumer.modelTimeoutSeconds,
    rejectedPercent: alarms.rejectedPercent ?? 50,
    spendUsdPerHour: alarms.spendLimitUsdPerHour ?? monthlyBudgetUsd * PART_OF_BUDGET.hour,
    spendUsdPerDay: monthlyBudgetUsd * PART_OF_BUDGET.day,
    spendUsdPerWeek: monthlyBudgetUsd * PART_OF_BUDGET.week,
  };
}

/** Thresholds that would never be passed, or always, and topics that cannot be reached. */
export function alarmProblems(input: unknown): SettingsProblem[] {
  const { data } = relevant.safeParse(input);
  if (data === undefined) return [];
  return [...waitProblems(data), ...spendProblems(data), ...topicProblems(data)];
}

function waitProblems({ alarms, consumer }: AlarmInput): SettingsProblem[] {
  const limits = {
    timeToImageObjectiveSeconds: PROMPT_RETENTION_SECONDS,
    consumerDurationSeconds: consumer.timeoutSeconds,
  };
  return Object.entries(limits).flatMap(([name, longest]) => {
    const value = new Map(Object.entries(alarms)).get(name);
    if (typeof value !== "number") return [];
    const path = ["alarms", name];
    // Nobody can be promised less than the model itself takes.
    if (value <= SECONDS_PER_PICTURE) {
      return {
        path,
        message: `is not above the ${SECONDS_PER_PICTURE} seconds that the model itself takes: the alarm would always fire. Fix: raise it, or leave it out`,
      };
    }
    if (value < longest) return [];
    return {
      path,
      message: `can never be passed: after ${longest} seconds it is over anyway. Fix: lower it, or leave it out`,
    };
  });
}

/** No model paints faster than this, in seconds. */
const FASTEST_PICTURE_SECONDS = 1;

function spendProblems(input: AlarmInput): SettingsProblem[] {
  const prices = input.models.map(
    ({ id, pricePerImageUsd }) =>
      pricePerImageUsd ?? models.find((model) => model.id === id)?.pricePerImageUsd ?? 0,
  );
  const dearest = Math.max(...prices);
  const most = input.models.reduce(
    (sum, { concurrency }, index) =>
      sum + ((concurrency * 3600) / FASTEST_PICTURE_SECONDS) * (prices[index] ?? 0),
    0,
  );
  const given = input.alarms.spendLimitUsdPerHour !== undefined;
  const path = given ? ["alarms", "spendLimitUsdPerHour"] : ["monthlyBudgetUsd"];
  const { spendUsdPerHour: limit, spendUsdPerDay: dayLimit } = thresholdsOf(input);
  const what = given
    ? ""
    : `gives a limit of ${limit} US dollars an hour (${PART_OF_BUDGET.hour * 100} % of it), which `;
  if (limit < dearest) {
    return [{ path, message: `${what}one picture for ${dearest} US dollars would pass. Fix: raise it` }];
  }
  if (limit >= dayLimit) {
    return [
      {
        path,
        message: `is not below ${dayLimit} US dollars, the limit of a day (${PART_OF_BUDGET.day * 100} % of monthlyBudgetUsd), which stops the consumer first. Fix: lower it, or raise monthlyBudgetUsd`,
      },
    ];
  }
  if (limit >= most) {
    return [
      {
        path,
        message: `${what}can never be passed: all models together cost at most ${Math.floor(most)} US dollars an hour. Fix: lower it`,
      },
    ];
  }
  return [];
}

function topicProblems({ region, alarms: { existingTopics = {} } }: AlarmInput): SettingsProblem[] {
  return Object.entries(existingTopics).flatMap(([severity, arn]) => {
    const topicRegion = arn?.split(":")[3];
    if (topicRegion === undefined || topicRegion === region) return [];
    return {
      path: ["alarms", "existingTopics", severity],
      message: `is in ${topicRegion}, but an alarm can only notify topics of its own region. Fix: use a topic in ${region}`,
    };
  });
}
