import { z } from "zod";
import { models } from "../functions/domain/models.ts";
import { SECONDS_PER_PICTURE, STORING_SECONDS } from "../functions/domain/timing.ts";

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

// A FIFO topic, which ends in .fifo, cannot send e-mail.
const topicArn = z.string().regex(/^arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/, {
  error: "is no ARN of a standard topic. Fix: write it like arn:aws:sns:eu-west-1:123456789012:on-call",
});
const amount = z.number().positive({ error: "must be above 0" });

/** When somebody is told, and where. */
export const alarmsSchema = z.strictObject({
  /** The longest that 19 of 20 users may wait for their picture, in seconds. Default: one call of a model, and storing. */
  timeToImageObjectiveSeconds: amount.optional(),
  /** The 95th percentile of the consumer's run time, in seconds. Default: the longest that one call of a model may take. */
  consumerDurationSeconds: amount.optional(),
  /** The part of prompts that may be rejected, in per cent. Default: half. */
  rejectedPercent: amount.lt(100, { error: "must be below 100" }).optional(),
  /**
   * What models may cost within an hour, in US dollars, before the consumer is stopped. Default: 2 % of
   * `monthlyBudgetUsd`. The limits of a day and a week always follow from the budget.
   */
  spendLimitUsdPerHour: amount.optional(),
  /** Topics that are there already, for one severity or both. The stack subscribes no address to them. */
  existingTopics: z.strictObject({ page: topicArn.optional(), ticket: topicArn.optional() }).optional(),
});

export type AlarmSettings = z.output<typeof alarmsSchema>;

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

const relevant = z.object({
  region: z.string(),
  monthlyBudgetUsd: z.number(),
  alarms: alarmsSchema.default({}),
  consumer: z.object({ timeoutSeconds: z.number(), modelTimeoutSeconds: z.number() }),
  models: z
    .array(z.object({ id: z.string(), concurrency: z.number(), pricePerImageUsd: z.number().optional() }))
    .min(1),
});

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

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Thresholds that would never be passed, or always, and topics that cannot be reached. */
export function alarmProblems(input: unknown): Problem[] {
  const { data } = relevant.safeParse(input);
  if (data === undefined) return [];
  return [...waitProblems(data), ...spendProblems(data), ...topicProblems(data)];
}

function waitProblems({ alarms, consumer }: AlarmInput): Problem[] {
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

function spendProblems(input: AlarmInput): Problem[] {
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

function topicProblems({ region, alarms: { existingTopics = {} } }: AlarmInput): Problem[] {
  return Object.entries(existingTopics).flatMap(([severity, arn]) => {
    const topicRegion = arn?.split(":")[3];
    if (topicRegion === undefined || topicRegion === region) return [];
    return {
      path: ["alarms", "existingTopics", severity],
      message: `is in ${topicRegion}, but an alarm can only notify topics of its own region. Fix: use a topic in ${region}`,
    };
  });
}
