import type { Thresholds } from "../../config/alarms.ts";
import { type AlarmDefinition, MISSING_DATA } from "../../constructs/monitoring/alarm-definition.ts";
import { alarmTable } from "../../constructs/monitoring/alarm-table.ts";
import { functionMetric, ownMetric, queueMetric } from "../../constructs/monitoring/metrics.ts";
import type { AlarmSpec } from "../../local/cloudwatch/alarm-specs.ts";
import { Evaluator } from "../../local/cloudwatch/evaluator.ts";
import { MetricStore } from "../../local/cloudwatch/metric-store.ts";

const WATCHED = {
  environment: "planned",
  promptQueue: "prompts",
  deadLetterQueue: "dead-letters",
  consumer: "consumer",
  // The planner has no data of these: their alarms stay quiet.
  breaker: "breaker",
  api: { apiId: "api", stageName: "api", functionName: "api" },
};

const { environment, promptQueue, deadLetterQueue, consumer } = WATCHED;
const METRICS = {
  timeToImageMs: ownMetric(environment, "TimeToImage", "p95"),
  images: ownMetric(environment, "Images", "Sum"),
  fallbacks: ownMetric(environment, "Fallbacks", "Sum"),
  costUsd: ownMetric(environment, "EstimatedCostUsd", "Sum"),
  failed: ownMetric(environment, "Retried", "Sum", { Outcome: "failed" }),
  durationMs: functionMetric(consumer, "Duration", "p95"),
  oldestPrompt: queueMetric(promptQueue, "ApproximateAgeOfOldestMessage", "Maximum"),
  visible: queueMetric(promptQueue, "ApproximateNumberOfMessagesVisible", "Maximum"),
  hidden: queueMetric(promptQueue, "ApproximateNumberOfMessagesNotVisible", "Maximum"),
  deadLetters: queueMetric(deadLetterQueue, "ApproximateNumberOfMessagesVisible", "Maximum"),
};

const MINUTE_MS = 60_000;
/** Alarms are evaluated for so many minutes after the last picture: some wait for several periods of data. */
const AFTERWARDS = 15;

/** The metrics of a run, as CloudWatch gets them. */
export class Telemetry {
  readonly #store = new MetricStore();

  /** @param at in seconds */
  add(metric: keyof typeof METRICS, at: number, value: number): void {
    this.#store.record(METRICS[metric], value, 1000 * at);
  }

  /**
   * The alarms of a deployment that fire, in order, and when for the first time, in seconds.
   * @param end of the run, in seconds
   */
  alarms(thresholds: Thresholds, end: number): { id: string; at: number }[] {
    const evaluator = new Evaluator(alarmTable({ ...WATCHED, thresholds }).map(specOf), this.#store);
    const fired = new Map<string, number>();
    for (let minute = 1; minute <= Math.ceil(end / 60) + AFTERWARDS; minute++) {
      for (const { alarm, to } of evaluator.evaluate(minute * MINUTE_MS)) {
        if (to === "ALARM" && !fired.has(alarm.name)) fired.set(alarm.name, minute * 60);
      }
    }
    return [...fired].map(([id, at]) => ({ id, at }));
  }
}

function specOf(alarm: AlarmDefinition): AlarmSpec {
  const { id, usersFeel, watches, period, threshold, m, n } = alarm;
  const { metrics, expression } =
    "metrics" in watches ? watches : { metrics: { metric: watches }, expression: "metric" };
  return {
    ...{ name: id, arn: id, description: usersFeel, period, expression },
    actions: { ALARM: [], OK: [], INSUFFICIENT_DATA: [] },
    metrics: new Map(Object.entries(metrics)),
    rule: {
      comparison: "GreaterThanThreshold",
      ...{ threshold, missingData: MISSING_DATA, datapointsToAlarm: m, evaluationPeriods: n },
    },
  };
}
