/** One value for each period, the oldest first; `undefined` where there is no data. */
export type Series = readonly (number | undefined)[];

/** A metric, as CloudWatch tells one from another. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}
