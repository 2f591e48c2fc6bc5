import type { Metric } from "./metrics.ts";

/** What is wrong when an alarm fires, and how soon somebody must look at it. */
export interface AlarmDefinition {
  /** The end of the alarm's name. */
  readonly id: string;
  /** `page`: users notice, or money is lost: call somebody. `ticket`: look at it on the next working day. */
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
  readonly usersFeel: string;
  /** The likeliest first. */
  readonly causes: readonly string[];
  /** The page of `docs/runbooks` that says what to do. */
  readonly runbook: string;
  readonly firstCommand: string;
  /** It also invokes the spend breaker. */
  readonly stopsConsumer?: true;
}

/**
 * What a period without data means, for every alarm: where nothing happened, nothing was wrong. That nothing happens
 * although it should is the alarm no-images alone. Its queue metrics are there whenever a prompt waits, because SQS keeps
 * them for every queue that is not empty, and its expression fills what may be missing beside them with 0.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export const MISSING_DATA = "notBreaching";
