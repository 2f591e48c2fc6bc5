import type { AlarmId } from "../../config/names.ts";
import type { Metric } from "./metrics.ts";

/** An alarm, and what its notification says. */
export interface AlarmDefinition {
  /** The end of the alarm's name. */
  readonly id: AlarmId;
  /** `page`: users notice, or money is lost: act now. `ticket`: act on the next working day. */
  readonly severity: "page" | "ticket";
  /** One metric, or several by their names in the expression. */
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
  /** The page in `docs/runbooks`. Default: the id. */
  readonly runbook?: string;
  readonly firstCommand: string;
  /** Whether it also invokes the spend breaker. */
  readonly stopsConsumer?: true;
}

/**
 * A period without data never breaches: without traffic nothing is wrong. Only the alarm no-images detects missing
 * activity. SQS has metrics for every queue that is not empty, and the alarm's expression fills the others with 0.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export const MISSING_DATA = "notBreaching";
