/** One value for each period, the oldest first; `undefined` where there is no data. */
export type Series = readonly (number | undefined)[];

/** A metric, as CloudWatch tells one from another. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface Sample {
  /** In milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

/** As long as an alarm of one week looks back: two weeks more, for the points that may be missing. In milliseconds. */
const KEPT_MS = 21 * 24 * 3_600_000;

/** Samples of metrics, and statistics of them. */
export class MetricStore {
  readonly #samples = new Map<string, Sample[]>();

  /** @param at in milliseconds since the epoch */
  record(metric: MetricId, value: number, at: number): void {
    const key = keyOf(metric);
    const samples = this.#samples.get(key) ?? [];
    this.#samples.set(key, samples);
    samples.splice(samples.findLastIndex((sample) => sample.at <= at) + 1, 0, { at, value });
    while ((samples[0]?.at ?? at) < at - KEPT_MS) samples.shift();
  }

  /**
   * A statistic of the samples of a time, `undefined` where there are none.
   * @param statistic `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, or a percentile such as `p95`
   * @param from in milliseconds since the epoch; belongs to the time
   * @param to in milliseconds since the epoch; does not
   */
  statistic(metric: MetricId, statistic: string, from: number, to: number): number | undefined {
    const samples = this.#samples.get(keyOf(metric)) ?? [];
    const values = samples.slice(indexOf(samples, from), indexOf(samples, to)).map(({ value }) => value);
    return values.length === 0 ? undefined : compute(statistic, values);
  }
}

/** Where the samples from a time on begin. They are sorted: a week has too many to look at each. */
function indexOf(samples: readonly Sample[], from: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.at ?? from) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same for the same metric. */
export function keyOf({ namespace, name, dimensions }: MetricId): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).toSorted()]);
}

/** A statistic of values, of which there is one at least. */
export function compute(statistic: string, values: readonly number[]): number {
  const sum = () => values.reduce((total, value) => total + value, 0);
  switch (statistic) {
    case "Sum":
      return sum();
    case "Average":
      return sum() / values.length;
    case "Minimum":
      return Math.min(...values);
    case "Maximum":
      return Math.max(...values);
    case "SampleCount":
      return values.length;
    default:
      return percentile(values, statistic);
  }
}

/** By nearest rank: the smallest value that is not below so many per cent of all. */
function percentile(values: readonly number[], statistic: string): number {
  const percent = Number(/^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1]);
  const rank = Math.ceil((percent / 100) * values.length);
  const value = values.toSorted((a, b) => a - b)[Math.max(rank, 1) - 1];
  if (value === undefined) throw new Error(`the local CloudWatch does not know the statistic ${statistic}`);
  return value;
}
