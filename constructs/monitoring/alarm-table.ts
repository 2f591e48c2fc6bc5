import type { Thresholds } from "../../config/alarms.ts";
import type { AlarmDefinition } from "./alarm-definition.ts";
import { eventAlarms } from "./event-alarms.ts";
import { logCommand, urlOf } from "./first-commands.ts";
import { apiMetric, functionMetric, ownMetric, queueMetric } from "./metrics.ts";

export interface WatchedApi {
  readonly apiId: string;
  readonly stageName: string;
  readonly functionName: string;
}

/** What the alarms watch: queues and functions by name. */
export interface Watched {
  readonly environment: string;
  readonly promptQueue: string;
  readonly deadLetterQueue: string;
  /** Undefined where there is no webhook. */
  readonly webhookDeadLetterQueue?: string | undefined;
  readonly consumer: string;
  readonly breaker: string;
  readonly api: WatchedApi;
  readonly thresholds: Thresholds;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;

/** All alarms of an environment. */
export function alarmTable(watched: Watched): AlarmDefinition[] {
  return [
    ...waitAlarms(watched),
    ...failureAlarms(watched),
    ...functionAlarms(watched),
    rejectedPrompts(watched),
    ...eventAlarms(watched),
    ...spendAlarms(watched),
    apiErrors(watched.api),
  ];
}

function waitAlarms(watched: Watched): AlarmDefinition[] {
  const { environment, promptQueue, consumer, thresholds } = watched;
  const lookAtQueue = `aws sqs get-queue-attributes --attribute-names All --queue-url ${urlOf(promptQueue)}`;
  const expiringDays = thresholds.expiringPromptSeconds / DAY;
  return [
    {
      id: "time-to-image",
      severity: "page",
      watches: ownMetric(environment, "TimeToImage", "p95"),
      ...{ period: MINUTE, m: 3, n: 5, threshold: thresholds.timeToImageSeconds * 1000 },
      usersFeel: `1 of 20 pictures takes longer than ${thresholds.timeToImageSeconds} seconds`,
      causes: [
        "more prompts than the models can paint",
        "the model is slow or throttles",
        "tries fail and are retried",
      ],
      firstCommand: lookAtQueue,
    },
    {
      id: "no-images",
      severity: "page",
      watches: {
        metrics: {
          visible: queueMetric(promptQueue, "ApproximateNumberOfMessagesVisible", "Maximum"),
          hidden: queueMetric(promptQueue, "ApproximateNumberOfMessagesNotVisible", "Maximum"),
          delayed: queueMetric(promptQueue, "ApproximateNumberOfMessagesDelayed", "Maximum"),
          images: ownMetric(environment, "Images", "Sum"),
        },
        // After a failed try a prompt is invisible most of the time, or delayed.
        expression: "IF(visible + hidden + delayed > 0 AND FILL(images, 0) == 0, 1, 0)",
      },
      ...{ period: MINUTE, m: 5, n: 5, threshold: 0 },
      usersFeel: "prompts wait and no picture is painted",
      causes: [
        "the spend breaker stopped the consumer",
        "no model of the chain answers",
        "the consumer fails at once: a bad deployment, missing permissions",
      ],
      firstCommand: `aws lambda list-event-source-mappings --function-name ${consumer} --query 'EventSourceMappings[].State'`,
    },
    {
      id: "expiring-prompts",
      severity: "page",
      // The metric leaves out messages that were received three times or more. If nothing is painted, no-images fires; if
      // something is, the consumer runs and re-sends such a message or leaves it to the dead-letter queue.
      // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
      watches: queueMetric(promptQueue, "ApproximateAgeOfOldestMessage", "Maximum"),
      ...{ period: HOUR, m: 1, n: 1, threshold: thresholds.expiringPromptSeconds },
      usersFeel: `pictures are ${expiringDays} days late; SQS deletes the oldest prompts in ${expiringDays} days`,
      causes: ["the spend breaker stopped the consumer", "more prompts than the models can paint in days"],
      firstCommand: lookAtQueue,
    },
  ];
}

function failureAlarms({ environment, deadLetterQueue, consumer }: Watched): AlarmDefinition[] {
  const retried = (outcome: string) => ownMetric(environment, "Retried", "Sum", { Outcome: outcome });
  return [
    {
      id: "dead-letters",
      severity: "ticket",
      // Not NumberOfMessagesSent, which leaves out the messages that SQS moves itself.
      watches: queueMetric(deadLetterQueue, "ApproximateNumberOfMessagesVisible", "Maximum"),
      ...{ period: MINUTE, m: 1, n: 1, threshold: 0 },
      usersFeel: "some pictures never come",
      causes: [
        "a model is not allowed, or no longer exists",
        "a bug in the consumer",
        "S3 was unavailable for a long time",
      ],
      firstCommand: `aws sqs receive-message --visibility-timeout 0 --max-number-of-messages 10 --attribute-names All --queue-url ${urlOf(deadLetterQueue)}`,
    },
    {
      id: "failed-tries",
      severity: "ticket",
      watches: {
        // Lambda counts no error for reported batch item failures, so the consumer counts them.
        metrics: { failed: retried("failed"), broken: retried("broken") },
        expression: "FILL(failed, 0) + FILL(broken, 0)",
      },
      ...{ period: MINUTE, m: 3, n: 5, threshold: 0 },
      usersFeel: "pictures come late; some may never come",
      causes: ["the model returns errors, or times out", "missing permissions", "S3 returns errors"],
      firstCommand: logCommand(consumer),
    },
    {
      id: "abandoned-requests",
      severity: "ticket",
      watches: ownMetric(environment, "AbandonedLeases", "Sum"),
      // A prompt that kills its function comes back after the visibility timeout, several times an hour: too rarely for
      // consumer-errors. One or two abandoned leases may be chance.
      ...{ period: HOUR, m: 1, n: 1, threshold: 2 },
      usersFeel: "pictures come late; some are paid for twice",
      causes: [
        "a prompt or its picture makes the consumer run out of memory",
        "the consumer times out",
        "a bug in the consumer",
      ],
      firstCommand: logCommand(consumer, '{ $.message.event = "abandoned" }'),
    },
    {
      id: "model-fallback",
      severity: "ticket",
      watches: {
        metrics: {
          fallbacks: ownMetric(environment, "Fallbacks", "Sum"),
          images: ownMetric(environment, "Images", "Sum"),
        },
        expression: "100 * fallbacks / images",
      },
      // Per cent. A burst may be throttled for a while without an alarm.
      ...{ period: 5 * MINUTE, m: 3, n: 3, threshold: 50 },
      usersFeel: "pictures have another style and cost more",
      causes: ["the first model throttles", "the first model fails, or no longer exists"],
      firstCommand: logCommand(consumer, '{ $.message.event = "not painted" }'),
    },
  ];
}

function functionAlarms({ consumer, breaker, thresholds }: Watched): AlarmDefinition[] {
  // Lambda does not count a throttled invocation as an error.
  const failing = (name: string): Pick<AlarmDefinition, "watches" | "runbook"> => ({
    watches: {
      metrics: {
        errors: functionMetric(name, "Errors", "Sum"),
        throttles: functionMetric(name, "Throttles", "Sum"),
      },
      expression: "FILL(errors, 0) + FILL(throttles, 0)",
    },
    runbook: "function-errors",
  });
  const throttled = "other functions of the account use up its concurrency";
  return [
    {
      ...failing(consumer),
      id: "consumer-errors",
      severity: "ticket",
      ...{ period: MINUTE, m: 3, n: 5, threshold: 0 },
      usersFeel: "pictures come late",
      causes: ["it crashed: a bug, or out of memory", "it timed out", throttled],
      firstCommand: logCommand(consumer),
    },
    {
      ...failing(breaker),
      id: "breaker-errors",
      severity: "page",
      // It runs rarely, so its first failure counts.
      ...{ period: MINUTE, m: 1, n: 5, threshold: 0 },
      usersFeel: "nothing, but the consumer keeps spending above the limit",
      causes: ["missing permissions", "the event source was replaced", throttled],
      firstCommand: logCommand(breaker),
    },
    {
      id: "consumer-duration",
      severity: "ticket",
      watches: functionMetric(consumer, "Duration", "p95"),
      ...{ period: 5 * MINUTE, m: 3, n: 3, threshold: thresholds.consumerDurationSeconds * 1000 },
      usersFeel: "pictures come late",
      causes: ["the model is slow", "the first model fails, so the next ones are tried"],
      firstCommand: logCommand(consumer, '{ $.message.event = "not painted" }'),
    },
  ];
}

/** The fewest rejections in a period: a single sender of bad prompts must not page anybody. */
const FEWEST_REJECTED = 5;

function rejectedPrompts({ environment, consumer, thresholds }: Watched): AlarmDefinition {
  return {
    id: "rejected-prompts",
    severity: "page",
    watches: {
      metrics: {
        rejected: ownMetric(environment, "Rejected", "Sum"),
        images: ownMetric(environment, "Images", "Sum"),
      },
      // FILL, because CloudWatch looks at older periods if data is missing: a period without a rejection must end the alarm.
      expression: `IF(FILL(rejected, 0) >= ${FEWEST_REJECTED}, 100 * rejected / (rejected + FILL(images, 0)), 0)`,
    },
    ...{ period: 5 * MINUTE, m: 3, n: 3, threshold: thresholds.rejectedPercent },
    usersFeel: `more than ${thresholds.rejectedPercent} % of prompts are rejected`,
    causes: [
      "the model's id or request fields have changed",
      "an app sends prompts that are not valid",
      "somebody sends prompts that the content filter blocks",
    ],
    firstCommand: logCommand(consumer, '{ $.message.event = "rejected" }'),
  };
}

function spendAlarms({ environment, promptQueue, thresholds }: Watched): AlarmDefinition[] {
  const { spendUsdPerHour, spendUsdPerDay, spendUsdPerWeek } = thresholds;
  const windows = [
    ["hour", HOUR, spendUsdPerHour],
    ["day", DAY, spendUsdPerDay],
    ["week", 7 * DAY, spendUsdPerWeek],
  ] as const;
  return windows.map(([window, period, threshold]) => ({
    id: `spend-${window}`,
    severity: "page",
    watches: {
      metrics: { cost: ownMetric(environment, "EstimatedCostUsd", "Sum") },
      // FILL, because CloudWatch looks at older periods if data is missing: a period without cost must end the alarm.
      expression: "FILL(cost, 0)",
    },
    ...{ period, m: 1, n: 1, threshold },
    usersFeel: `models cost more than ${threshold} US dollars within one ${window}, so the consumer is stopped and prompts wait`,
    causes: [
      "somebody sends very many prompts",
      "a message is painted again and again",
      "the limit is too low",
    ],
    runbook: "spend",
    firstCommand: `SQS_QUEUE_URL=${urlOf(promptQueue)} npm run client -- resume`,
    stopsConsumer: true,
  }));
}

function apiErrors(api: WatchedApi): AlarmDefinition {
  return {
    id: "api-errors",
    severity: "page",
    // The API returns 5xx if its function fails, is throttled or times out.
    watches: apiMetric(api, "5xx", "Sum"),
    ...{ period: MINUTE, m: 3, n: 5, threshold: 0 },
    usersFeel: "HTTP requests fail with 5xx",
    causes: [
      "the function fails: a bad deployment, missing permissions",
      "SQS or S3 return errors",
      "other functions of the account use up its concurrency",
    ],
    firstCommand: logCommand(api.functionName),
  };
}
