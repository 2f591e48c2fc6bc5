import { models } from "../functions/domain/models.ts";
import { SECONDS_PER_PICTURE, STORING_SECONDS } from "../functions/domain/timing.ts";
import type { AlarmSettings, Settings, SettingsProblem } from "./settings.ts";

const DAY_SECONDS = 86_400;

/**
 * The shares of the monthly budget for an hour, a day and a week, above which the consumer is stopped. An alarm looks
 * back seven days at most. 31 days are four weeks and three days, and 4 × 20 % + 3 × 6 % = 98 %: spending that keeps
 * these limits keeps the budget.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html (Period)
 */
const PART_OF_BUDGET = { hour: 0.02, day: 0.06, week: 0.2 };

/** The maximum retention of SQS, in seconds. */
export const LONGEST_RETENTION_SECONDS = 14 * DAY_SECONDS;

/**
 * The retention of prompts, in seconds. In the dead-letter queue a message's age counts from when it was sent, so the
 * difference to the maximum is the time to redrive a prompt that was given up at the last moment: a long weekend.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
 */
export const PROMPT_RETENTION_SECONDS = LONGEST_RETENTION_SECONDS - 4 * DAY_SECONDS;

/** The thresholds of the alarms. */
export interface Thresholds {
  readonly timeToImageSeconds: number;
  /** The age of the oldest prompt: half of its retention. */
  readonly expiringPromptSeconds: number;
  readonly consumerDurationSeconds: number;
  readonly rejectedPercent: number;
  readonly spendUsdPerHour: number;
  readonly spendUsdPerDay: number;
  readonly spendUsdPerWeek: number;
}

/** The time of an invocation before and after a model call, to claim the prompt and to store the picture, in seconds. */
export const BESIDE_CALL_SECONDS = 2 + STORING_SECONDS;

/** The settings that thresholds follow from, and that they have to fit. */
type AlarmInput = Pick<Settings, "alarms" | "consumer" | "models" | "monthlyBudgetUsd" | "region">;

/** The thresholds of an environment: those in the settings, and defaults from the model timeout and the budget. */
export function thresholdsOf({ alarms, consumer, monthlyBudgetUsd }: AlarmInput): Thresholds {
  return {
    timeToImageSeconds:
      alarms.timeToImageObjectiveSeconds ?? consumer.modelTimeoutSeconds + BESIDE_CALL_SECONDS,
    expiringPromptSeconds: PROMPT_RETENTION_SECONDS / 2,
    consumerDurationSeconds: alarms.consumerDurationSeconds ?? consumer.modelTimeoutSeconds,
    rejectedPercent: alarms.rejectedPercent ?? 50,
    spendUsdPerHour: alarms.spendLimitUsdPerHour ?? monthlyBudgetUsd * PART_OF_BUDGET.hour,
    spendUsdPerDay: monthlyBudgetUsd * PART_OF_BUDGET.day,
    spendUsdPerWeek: monthlyBudgetUsd * PART_OF_BUDGET.week,
  };
}

/** Reports thresholds that would never be exceeded, or always, and topics in another region. */
export function alarmProblems(settings: AlarmInput): SettingsProblem[] {
  const { alarms, consumer } = settings;
  return [
    ...timeProblems("timeToImageObjectiveSeconds", alarms, PROMPT_RETENTION_SECONDS),
    ...timeProblems("consumerDurationSeconds", alarms, consumer.timeoutSeconds),
    ...spendProblems(settings),
    ...topicProblems(settings),
  ];
}

function timeProblems(
  name: "timeToImageObjectiveSeconds" | "consumerDurationSeconds",
  { [name]: seconds }: AlarmSettings,
  longest: number,
): SettingsProblem[] {
  const path = ["alarms", name];
  if (seconds === undefined) return [];
  if (seconds <= SECONDS_PER_PICTURE) {
    const message = `is not above the ${SECONDS_PER_PICTURE} seconds of a typical model call: the alarm would always fire. Raise it, or leave it out`;
    return [{ path, message }];
  }
  if (seconds < longest) return [];
  return [
    { path, message: `is never exceeded: ${longest} seconds is the maximum. Lower it, or leave it out` },
  ];
}

/** No model paints faster than this, in seconds. */
const FASTEST_PICTURE_SECONDS = 1;

function spendProblems(settings: AlarmInput): SettingsProblem[] {
  const costs = settings.models.map(({ id, concurrency = 0, requestsPerMinute, pricePerImageUsd: given }) => {
    const price = given ?? models.find((model) => model.id === id)?.pricePerImageUsd ?? 0;
    const perMinute = requestsPerMinute ?? concurrency * (60 / FASTEST_PICTURE_SECONDS);
    return { price, perHour: price * perMinute * 60 };
  });
  const dearest = Math.max(...costs.map(({ price }) => price));
  const most = costs.reduce((sum, { perHour }) => sum + perHour, 0);
  const { spendUsdPerHour: limit, spendUsdPerDay: dayLimit } = thresholdsOf(settings);
  const isSet = settings.alarms.spendLimitUsdPerHour !== undefined;
  const path = isSet ? ["alarms", "spendLimitUsdPerHour"] : ["monthlyBudgetUsd"];
  const what = isSet
    ? "is"
    : `sets an hourly limit of ${limit} US dollars (${PART_OF_BUDGET.hour * 100} %), which is`;
  if (limit < dearest) {
    return [{ path, message: `${what} below the price of one picture, ${dearest} US dollars. Raise it` }];
  }
  if (limit >= dayLimit) {
    const message = `is not below the limit of a day, ${dayLimit} US dollars (${PART_OF_BUDGET.day * 100} % of monthlyBudgetUsd). Lower it, or raise monthlyBudgetUsd`;
    return [{ path, message }];
  }
  if (limit < most) return [];
  const message = `${what} never exceeded: all models together cost at most ${Math.floor(most)} US dollars an hour. Lower it`;
  return [{ path, message }];
}

function topicProblems({ region, alarms: { existingTopics = {} } }: AlarmInput): SettingsProblem[] {
  return Object.entries(existingTopics).flatMap(([severity, arn]) => {
    const topicRegion = arn?.split(":")[3];
    if (topicRegion === undefined || topicRegion === region) return [];
    return {
      path: ["alarms", "existingTopics", severity],
      message: `is in ${topicRegion}, but an alarm can only notify topics in its own region. Use a topic in ${region}`,
    };
  });
}
