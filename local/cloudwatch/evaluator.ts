import type { AlarmSpec, MetricStatistic } from "./alarm-specs.ts";
import { type AlarmState, evaluationRange, nextState } from "./alarm-state.ts";
import { computeExpression } from "./metric-math.ts";
import type { MetricStore, Series } from "./metric-store.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_SECONDS = 86_400;

export interface Transition {
  readonly alarm: AlarmSpec;
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly reason: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
}

/** Holds the state of every alarm, and moves it on when it is told the time. */
export class Evaluator {
  readonly #specs: readonly AlarmSpec[];
  readonly #store: Pick<MetricStore, "statistic">;
  readonly #last = new Map<string, Transition>();

  constructor(specs: readonly AlarmSpec[], store: Pick<MetricStore, "statistic">) {
    this.#specs = specs;
    this.#store = store;
  }

  /** @param name an alarm that has not been evaluated yet, or is none, has no data */
  state(name: string): AlarmState {
    return this.#last.get(name)?.to ?? "INSUFFICIENT_DATA";
  }

  /** Why the alarm has this state; `undefined` as long as it has never had another. */
  reason(name: string): string | undefined {
    return this.#last.get(name)?.reason;
  }

  /**
   * Looks at every alarm, as CloudWatch does once a minute; at those that look back more than a day once an hour.
   * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
   * @param at in milliseconds since the epoch; the last period ends here
   * @returns what changed
   */
  evaluate(at: number): Transition[] {
    return this.#specs.flatMap((alarm) => {
      const isMultiDay = alarm.period * alarm.rule.evaluationPeriods > DAY_SECONDS;
      const hour = at - (at % HOUR_MS);
      if (isMultiDay && at - hour >= MINUTE_MS) return [];
      const data = this.#data(alarm, isMultiDay ? hour : at);
      const from = this.state(alarm.name);
      const to = nextState(alarm.rule, data, from);
      if (from === to) return [];
      const last = data.findLast((value) => value !== undefined);
      const value = `last value ${Number(last?.toFixed(2))}, threshold ${alarm.rule.threshold}`;
      const transition = { alarm, from, to, at, reason: last === undefined ? "no data" : value };
      this.#last.set(alarm.name, transition);
      return [transition];
    });
  }

  #data({ metrics, expression, period, rule }: AlarmSpec, at: number): Series {
    const length = evaluationRange(rule);
    const series = (metric: MetricStatistic): Series =>
      Array.from({ length }, (_, index) => {
        const end = at - (length - 1 - index) * period * 1000;
        return this.#store.statistic(metric, metric.statistic, end - period * 1000, end);
      });
    return computeExpression(expression, new Map([...metrics].map(([id, metric]) => [id, series(metric)])));
  }
}
