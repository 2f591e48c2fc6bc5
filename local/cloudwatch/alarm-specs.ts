import { z } from "zod";
import { nested, type Terraform } from "../stack/terraform.ts";
import { UserError } from "../user-error.ts";
import type { AlarmRule } from "./alarm-state.ts";
import type { MetricId } from "./series.ts";

/** What an alarm does when its state changes: ARNs of topics and functions. */
interface Actions {
  readonly ALARM: readonly string[];
  readonly OK: readonly string[];
  readonly INSUFFICIENT_DATA: readonly string[];
}

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

export interface MetricStatistic extends MetricId {
  readonly statistic: string;
}

export interface AlarmSpec {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly actions: Actions;
  readonly rule: AlarmRule;
  /** In seconds. */
  readonly period: number;
  /** By the names that the expression gives them. */
  readonly metrics: ReadonlyMap<string, MetricStatistic>;
  readonly expression: string;
}

const dimensionsSchema = z.record(z.string(), z.string()).default({});

const alarmSchema = z.object({
  alarm_name: z.string(),
  arn: z.string(),
  alarm_description: z.string().default(""),
  alarm_actions: z.array(z.string()).default([]),
  ok_actions: z.array(z.string()).default([]),
  insufficient_data_actions: z.array(z.string()).default([]),
  comparison_operator: z.enum([
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
  ]),
  threshold: z.number(),
  evaluation_periods: z.number(),
  datapoints_to_alarm: z.number().optional(),
  treat_missing_data: z.enum(["missing", "ignore", "breaching", "notBreaching"]).default("missing"),
  period: z.number().optional(),
  namespace: z.string().optional(),
  metric_name: z.string().optional(),
  dimensions: dimensionsSchema,
  statistic: z.string().optional(),
  extended_statistic: z.string().optional(),
  metric_query: z
    .array(
      z.object({
        id: z.string(),
        expression: z.string().optional(),
        metric: nested(
          z
            .object({
              namespace: z.string(),
              metric_name: z.string(),
              dimensions: dimensionsSchema,
              stat: z.string(),
              period: z.number(),
            })
            .optional(),
        ),
      }),
    )
    .default([]),
});

/** The alarms of the synthesised stack. */
export function readAlarms(terraform: Terraform): AlarmSpec[] {
  return terraform.resources("aws_cloudwatch_metric_alarm", alarmSchema).map(toAlarm);
}

function toAlarm(alarm: z.infer<typeof alarmSchema> & { readonly address: string }): AlarmSpec {
  const watched = whatItWatches(alarm);
  const evaluationPeriods = alarm.evaluation_periods;
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html (Period)
  const longestSeconds = watched.period < HOUR_SECONDS ? DAY_SECONDS : 7 * DAY_SECONDS;
  if (watched.period * evaluationPeriods > longestSeconds) {
    throw new UserError(
      `${alarm.address} looks back ${watched.period * evaluationPeriods} seconds; with a period of ${watched.period} seconds CloudWatch allows ${longestSeconds}.`,
    );
  }
  return {
    ...watched,
    name: alarm.alarm_name,
    arn: alarm.arn,
    description: alarm.alarm_description,
    actions: {
      ALARM: alarm.alarm_actions,
      OK: alarm.ok_actions,
      INSUFFICIENT_DATA: alarm.insufficient_data_actions,
    },
    rule: {
      comparison: alarm.comparison_operator,
      threshold: alarm.threshold,
      evaluationPeriods,
      datapointsToAlarm: alarm.datapoints_to_alarm ?? evaluationPeriods,
      missingData: alarm.treat_missing_data,
    },
  };
}

function whatItWatches(
  alarm: z.infer<typeof alarmSchema> & { readonly address: string },
): Pick<AlarmSpec, "metrics" | "expression" | "period"> {
  const { namespace, metric_name: name, period, dimensions, metric_query: queries } = alarm;
  const statistic = alarm.statistic ?? alarm.extended_statistic;
  if (namespace !== undefined && name !== undefined && statistic !== undefined && period !== undefined) {
    const metric = { namespace, name, dimensions, statistic };
    return { period, metrics: new Map([["metric", metric]]), expression: "metric" };
  }
  const expression = queries.find((query) => query.expression !== undefined)?.expression;
  const metrics = queries.flatMap(({ id, metric }) => (metric === undefined ? [] : [{ id, ...metric }]));
  const [first] = metrics;
  if (expression === undefined || first === undefined) {
    throw new UserError(`${alarm.address}: the local cloud finds neither a metric nor an expression in it.`);
  }
  return {
    expression,
    period: first.period,
    metrics: new Map(
      metrics.map(({ id, namespace, metric_name: name, dimensions, stat: statistic }) => [
        id,
        { namespace, name, dimensions, statistic },
      ]),
    ),
  };
}
