import type { Thresholds } from "../../config/alarms.ts";
import { apiMetric, functionMetric, type Metric, ownMetric, queueMetric } from "./metrics.ts";

/** What is wrong when an alarm fires, and how soon somebody must look at it. */
export interface AlarmDefinition {
  /** The end of the alarm's name. */
  readonly id: string;
  /** `page`: users notice, wake somebody. `ticket`: look at it on the next working day. */
  readonly severity: "page" | "ticket";
  /** What it looks at: one metric, or several by the names that the expression gives them. */
  readonly watches:
    | Metric
    | { readonly metrics: Readonly<Record<string, Metric>>; readonly expression: string };
  /** In seconds. */
  readonly period: number;
  /** M of N: it fires when `m` of the last `n` periods are past the threshold. */
  readonly m: number;
  readonly n: number;
  /** It fires above this. */
  readonly threshold: number;
  /** What a period without data means. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html */
  readonly missingData: "notBreaching" | "breaching" | "ignore" | "missing";
  readonly usersFeel: string;
  /** The likeliest first. */
  readonly causes: readonly string[];
  /** The page of `docs/runbooks` that says what to do. */
  readonly runbook: string;
  readonly firstCommand: string;
}

export interface WatchedFunction {
  /** What it is to people: `consumer`, `api-handler`… */
  readonly role: string;
  readonly name: string;
  /** In seconds. */
  readonly timeout: number;
  readonly severity: AlarmDefinition["severity"];
  /** What users feel while it fails. */
  readonly usersFeel: string;
}

export interface WatchedApi {
  readonly apiId: string;
  readonly stageName: string;
  readonly functionName: string;
  /** In seconds. */
  readonly timeout: number;
}

/** What there is to watch. */
export interface Watched {
  readonly environment: string;
  readonly promptQueue: string;
  readonly deadLetterQueue: string;
  readonly consumer: Pick<WatchedFunction, "name" | "timeout">;
  readonly breaker: Pick<WatchedFunction, "name" | "timeout">;
  readonly api: WatchedApi;
  readonly thresholds: Thresholds;
}

const MINUTE = 60;
const HOUR = 3600;

// Missing data, decided alarm by alarm. `notBreaching` for counts and times of things that happen: where nothing
// happened, nothing was wrong. That nothing happens although it should is the alarm no-images alone; its queue
// metrics are there whenever a prompt waits, because SQS keeps them for every queue that is not empty, and what may
// be missing beside them is filled with 0 in its expression.

/** All alarms of an environment. */
export function alarmTable(watched: Watched): AlarmDefinition[] {
  const { consumer, breaker, api } = watched;
  const functions: WatchedFunction[] = [
    { ...consumer, role: "consumer", severity: "ticket", usersFeel: "pictures come late" },
    {
      ...breaker,
      role: "breaker",
      severity: "page",
      usersFeel: "nothing yet; but runaway spending is not stopped",
    },
    {
      name: api.functionName,
      timeout: api.timeout,
      role: "api-handler",
      severity: "ticket",
      usersFeel: "requests over HTTP fail",
    },
  ];
  return [
    ...waitAlarms(watched),
    ...failureAlarms(watched),
    ...functions.flatMap(functionAlarms),
    rejectedPrompts(watched),
    consumerDuration(watched),
    spend(watched),
    apiErrors(api),
  ];
}

function waitAlarms(watched: Watched): AlarmDefinition[] {
  const { environment, promptQueue, thresholds } = watched;
  const lookAtQueue = `aws sqs get-queue-attributes --attribute-names All --queue-url ${urlOf(promptQueue)}`;
  const slow = ["more prompts than the model takes at once", "the model is slow or throttles"];
  return [
    {
      id: "oldest-prompt",
      severity: "page",
      watches: queueMetric(promptQueue, "ApproximateAgeOfOldestMessage", "Maximum"),
      ...{ period: MINUTE, m: 3, n: 3, threshold: thresholds.oldestPromptSeconds },
      missingData: "notBreaching",
      usersFeel: "pictures come late, or not at all",
      causes: [...slow, "the consumer fails, or was stopped by the spend breaker"],
      runbook: "oldest-prompt",
      firstCommand: lookAtQueue,
    },
    {
      id: "time-to-image",
      severity: "page",
      watches: ownMetric(environment, "TimeToImage", "p95"),
      ...{ period: MINUTE, m: 3, n: 5, threshold: thresholds.timeToImageSeconds * 1000 },
      missingData: "notBreaching",
      usersFeel: `1 of 20 waits longer than ${thresholds.timeToImageSeconds} seconds for a picture`,
      causes: [...slow, "tries fail and are repeated"],
      runbook: "time-to-image",
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
        // What comes back to the queue after a failed try is hidden most of the time, or delayed.
        expression: "IF(visible + hidden + delayed > 0 AND FILL(images, 0) == 0, 1, 0)",
      },
      ...{ period: MINUTE, m: 5, n: 5, threshold: 0 },
      missingData: "notBreaching",
      usersFeel: "prompts go in and no picture comes out",
      causes: [
        "the consumer was stopped by the spend breaker",
        "no model of the chain answers",
        "the consumer fails at once: a bad deployment, missing rights",
      ],
      runbook: "no-images",
      firstCommand: `aws lambda list-event-source-mappings --function-name ${watched.consumer.name} --query 'EventSourceMappings[].State'`,
    },
  ];
}

function failureAlarms({ environment, deadLetterQueue, consumer }: Watched): AlarmDefinition[] {
  const retried = (outcome: string) => ownMetric(environment, "Retried", "Sum", { Outcome: outcome });
  return [
    {
      id: "dead-letters",
      severity: "ticket",
      // Not NumberOfMessagesSent: what SQS moves by itself is not counted there.
      watches: queueMetric(deadLetterQueue, "ApproximateNumberOfMessagesVisible", "Maximum"),
      ...{ period: MINUTE, m: 1, n: 1, threshold: 0 },
      missingData: "notBreaching",
      usersFeel: "their pictures never come",
      causes: ["a model may not be called, or is gone", "a bug in the consumer", "S3 was away for long"],
      runbook: "dead-letters",
      firstCommand: `aws sqs receive-message --visibility-timeout 0 --max-number-of-messages 10 --attribute-names All --queue-url ${urlOf(deadLetterQueue)}`,
    },
    {
      id: "failed-tries",
      severity: "ticket",
      watches: {
        // Lambda counts no error when the function reports failed messages: the consumer counts them itself.
        metrics: { failed: retried("failed"), broken: retried("broken") },
        expression: "FILL(failed, 0) + FILL(broken, 0)",
      },
      ...{ period: MINUTE, m: 3, n: 5, threshold: 0 },
      missingData: "notBreaching",
      usersFeel: "pictures come late; some may never come",
      causes: ["the model answers with errors, or not in time", "missing rights", "S3 answers with errors"],
      runbook: "failed-tries",
      firstCommand: logCommand(consumer.name),
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
      // Per cent. A burst is throttled for a while; that is what the chain is for.
      ...{ period: 5 * MINUTE, m: 3, n: 3, threshold: 50 },
      missingData: "notBreaching",
      usersFeel: "pictures of another style; each costs more",
      causes: ["the first model throttles", "the first model fails, or is gone"],
      runbook: "model-fallback",
      firstCommand: logCommand(consumer.name, '{ $.message.event = "not painted" }'),
    },
  ];
}

/** With fewer within a period, one sender of bad prompts in a silent night would call somebody. */
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
      // Without data CloudWatch would look at older periods: one without a rejection is to end the alarm.
      expression: `IF(FILL(rejected, 0) >= ${FEWEST_REJECTED}, 100 * rejected / (rejected + FILL(images, 0)), 0)`,
    },
    ...{ period: 5 * MINUTE, m: 3, n: 3, threshold: thresholds.rejectedPercent },
    missingData: "notBreaching",
    usersFeel: `more than ${thresholds.rejectedPercent} % of prompts are rejected for good`,
    causes: [
      "the model's id or the fields that it takes have changed",
      "an app sends prompts that are not valid",
      "somebody sends prompts that the content filter blocks",
    ],
    runbook: "rejected-prompts",
    firstCommand: logCommand(consumer.name, '{ $.message.event = "rejected" }'),
  };
}

/** How near to its time-out a function may come, as a part of it. */
const NEAR = 0.9;

function functionAlarms({ role, name, timeout, severity, usersFeel }: WatchedFunction): AlarmDefinition[] {
  const firstCommand = logCommand(name);
  const common = { usersFeel, missingData: "notBreaching", firstCommand } as const;
  return [
    {
      ...common,
      id: `${role}-errors`,
      severity,
      watches: functionMetric(name, "Errors", "Sum"),
      // What runs rarely is not waited for.
      ...{ period: MINUTE, m: severity === "page" ? 1 : 3, n: 5, threshold: 0 },
      causes: ["it crashed: a bug, or out of memory", "it ran into its time-out", "a bad deployment"],
      runbook: "function-errors",
    },
    {
      ...common,
      id: `${role}-throttles`,
      severity: "ticket",
      watches: functionMetric(name, "Throttles", "Sum"),
      ...{ period: MINUTE, m: 3, n: 5, threshold: 0 },
      causes: ["other functions of the account use up its concurrency"],
      runbook: "function-throttles",
      firstCommand:
        "aws cloudwatch get-metric-statistics --namespace AWS/Lambda --metric-name ConcurrentExecutions --statistics Maximum --period 60 --start-time $(($(date +%s) - 900)) --end-time $(date +%s)",
    },
    {
      ...common,
      id: `${role}-near-timeout`,
      severity: "ticket",
      watches: functionMetric(name, "Duration", "Maximum"),
      ...{ period: 5 * MINUTE, m: 2, n: 3, threshold: NEAR * timeout * 1000 },
      causes: ["what it calls is slow", "the time-out is too short"],
      runbook: "function-near-timeout",
    },
  ];
}

function consumerDuration({ consumer, thresholds }: Watched): AlarmDefinition {
  return {
    id: "consumer-duration",
    severity: "ticket",
    watches: functionMetric(consumer.name, "Duration", "p95"),
    ...{ period: 5 * MINUTE, m: 3, n: 3, threshold: thresholds.consumerDurationSeconds * 1000 },
    missingData: "notBreaching",
    usersFeel: "pictures come late",
    causes: ["the model is slow", "the first model fails, and the next ones are tried after it"],
    runbook: "consumer-duration",
    firstCommand: logCommand(consumer.name, '{ $.message.event = "not painted" }'),
  };
}

function spend({ environment, promptQueue, thresholds }: Watched): AlarmDefinition {
  return {
    id: "spend",
    severity: "page",
    watches: {
      metrics: { cost: ownMetric(environment, "EstimatedCostUsd", "Sum") },
      // Without data CloudWatch would look at older hours: an hour without spending is to end the alarm.
      expression: "FILL(cost, 0)",
    },
    ...{ period: HOUR, m: 1, n: 1, threshold: thresholds.spendUsdPerHour },
    missingData: "notBreaching",
    usersFeel: "the consumer was stopped: prompts wait in the queue, none is lost",
    causes: [
      "somebody sends very many prompts",
      "a message is painted again and again",
      "the limit is too low",
    ],
    runbook: "spend",
    firstCommand: `SQS_QUEUE_URL=${urlOf(promptQueue)} npm run client -- resume`,
  };
}

function apiErrors(api: WatchedApi): AlarmDefinition {
  return {
    id: "api-errors",
    severity: "page",
    watches: apiMetric(api, "5xx", "Sum"),
    ...{ period: MINUTE, m: 3, n: 5, threshold: 0 },
    missingData: "notBreaching",
    usersFeel: "prompts sent over HTTP are refused with an error",
    causes: ["the function fails: a bad deployment, missing rights", "SQS or S3 answer with errors"],
    runbook: "api-errors",
    firstCommand: logCommand(api.functionName),
  };
}

/** A queue's URL, for a command in a shell. */
function urlOf(queueName: string): string {
  return `$(aws sqs get-queue-url --queue-name ${queueName} --query QueueUrl --output text)`;
}

/** Reads the last of a function's log. */
function logCommand(functionName: string, filter = '{ $.level = "ERROR" }'): string {
  return `aws logs filter-log-events --log-group-name /aws/lambda/${functionName} --start-time $(($(date +%s) - 900))000 --filter-pattern '${filter}'`;
}
