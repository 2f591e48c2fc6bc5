import type { Thresholds } from "../../config/alarms.ts";
import { type AlarmDefinition, MISSING_DATA } from "../../constructs/monitoring/alarm-definition.ts";
import { alarmTable } from "../../constructs/monitoring/alarm-table.ts";
import { functionMetric, ownMetric, queueMetric } from "../../constructs/monitoring/metrics.ts";
import type { AlarmSpec } from "../../local/cloudwatch/alarm-specs.ts";
import { Evaluator } from "../../local/cloudwatch/evaluator.ts";
import { compute, keyOf } from "../../local/cloudwatch/metric-store.ts";
import type { MetricId } from "../../local/cloudwatch/series.ts";

/** An alarm that fires, and when for the first time, in seconds. */
export interface FiredAlarm {
  readonly id: string;
  readonly at: number;
}

// The planner's own names: nothing of an account is asked.
const ENVIRONMENT = "planned";
const PROMPTS = "prompts";
const DEAD_LETTERS = "dead-letters";
const CONSUMER = "consumer";

const MINUTE_MS = 60_000;
/** How long after the last picture alarms are still looked at, in minutes: data are late by the periods that they wait for. */
const AFTERWARDS = 15;

interface Minute {
  sum: number;
  readonly values: number[];
}

/** Samples of one metric, by minute. */
class Samples {
  readonly minutes: Minute[] = [];

  /** @param at in seconds */
  add(at: number, value: number): void {
    const index = Math.floor(at / 60);
    const minute = this.minutes[index] ?? { sum: 0, values: [] };
    this.minutes[index] = minute;
    minute.sum += value;
    minute.values.push(value);
  }
}

/** What CloudWatch gets to know of a run. */
export class Telemetry {
  readonly #samples = new Map<string, Samples>();
  readonly timeToImageMs = this.#of(ownMetric(ENVIRONMENT, "TimeToImage", "p95"));
  readonly images = this.#of(ownMetric(ENVIRONMENT, "Images", "Sum"));
  readonly fallbacks = this.#of(ownMetric(ENVIRONMENT, "Fallbacks", "Sum"));
  readonly costUsd = this.#of(ownMetric(ENVIRONMENT, "EstimatedCostUsd", "Sum"));
  readonly failed = this.#of(ownMetric(ENVIRONMENT, "Retried", "Sum", { Outcome: "failed" }));
  readonly durationMs = this.#of(functionMetric(CONSUMER, "Duration", "p95"));
  readonly oldestPrompt = this.#of(queueMetric(PROMPTS, "ApproximateAgeOfOldestMessage", "Maximum"));
  readonly visible = this.#of(queueMetric(PROMPTS, "ApproximateNumberOfMessagesVisible", "Maximum"));
  readonly hidden = this.#of(queueMetric(PROMPTS, "ApproximateNumberOfMessagesNotVisible", "Maximum"));
  readonly deadLetters = this.#of(queueMetric(DEAD_LETTERS, "ApproximateNumberOfMessagesVisible", "Maximum"));

  #of(metric: MetricId): Samples {
    const samples = new Samples();
    this.#samples.set(keyOf(metric), samples);
    return samples;
  }

  /** Of whole minutes; times are in milliseconds. */
  statistic(metric: MetricId, statistic: string, from: number, to: number): number | undefined {
    const all = this.#samples.get(keyOf(metric))?.minutes ?? [];
    const minutes = all
      .slice(Math.max(0, from / MINUTE_MS), Math.max(0, to / MINUTE_MS))
      .filter((minute) => minute !== undefined);
    if (minutes.length === 0) return undefined;
    // An hour of a long run has very many values.
    if (statistic === "Sum") return minutes.reduce((total, { sum }) => total + sum, 0);
    return compute(
      statistic,
      minutes.flatMap(({ values }) => values),
    );
  }

  /**
   * The alarms of a deployment that fire, in order.
   * @param end of the run, in seconds
   */
  alarms(thresholds: Thresholds, end: number): FiredAlarm[] {
    const table = alarmTable({
      environment: ENVIRONMENT,
      promptQueue: PROMPTS,
      deadLetterQueue: DEAD_LETTERS,
      consumer: CONSUMER,
      // Nothing is known of them here: their alarms stay quiet.
      breaker: "breaker",
      api: { apiId: "api", stageName: "api", functionName: "api" },
      thresholds,
    });
    const evaluator = new Evaluator(table.map(specOf), this);
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
