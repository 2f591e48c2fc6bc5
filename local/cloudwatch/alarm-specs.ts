import { z } from "zod";
import { nested, type Terraform } from "../stack/terraform.ts";
import { UserError } from "../user-error.ts";
import type { AlarmRule, AlarmState } from "./alarm-state.ts";
import type { MetricId } from "./metric-store.ts";

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

export interface MetricStatistic extends MetricId {
  readonly statistic: string;
}

export interface AlarmSpec {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  /** What it does when its state changes: ARNs of topics and functions. */
  readonly actions: Readonly<Record<AlarmState, readonly string[]>>;
  readonly rule: AlarmRule;
  /** In seconds. */
  readonly period: number;
  /** By the names that the expression gives them. */
  readonly metrics: ReadonlyMap<string, MetricStatistic>;
  readonly expression: string;
}

const stringsSchema = z.array(z.string()).default([]);
const dimensionsSchema = z.record(z.string(), z.string()).default({});

const metricSchema = z.object({
  namespace: z.string(),
  metric_name: z.string(),
  dimensions: dimensionsSchema,
  stat: z.string(),
  period: z.number(),
});

const querySchema = z.object({
  id: z.string(),
  expression: z.string().optional(),
  metric: nested(metricSchema.optional()),
});

const alarmSchema = z.object({
  alarm_name: z.string(),
  arn: z.string(),
  alarm_description: z.string().default(""),
  alarm_actions: stringsSchema,
  ok_actions: stringsSchema,
  insufficient_data_actions: stringsSchema,
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
  metric_query: z.array(querySchema).default([]),
});

type Alarm = z.infer<typeof alarmSchema> & { readonly address: string };

/** The alarms of the synthesised stack. */
export function readAlarms(terraform: Terraform): AlarmSpec[] {
  return terraform.resources("aws_cloudwatch_metric_alarm", alarmSchema).map(toAlarm);
}

function toAlarm(alarm: Alarm): AlarmSpec {
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

function whatItWatches(alarm: Alarm): Pick<AlarmSpec, "metrics" | "expression" | "period"> {
  const own = metricSchema.safeParse({ ...alarm, stat: alarm.statistic ?? alarm.extended_statistic });
  const queries = own.success ? [{ id: "metric", metric: own.data }] : alarm.metric_query;
  const metrics = queries.flatMap(({ id, metric }) => (metric === undefined ? [] : [{ id, ...metric }]));
  const expression = own.success
    ? "metric"
    : alarm.metric_query.find((query) => query.expression)?.expression;
  const [first] = metrics;
  if (expression === undefined || first === undefined) {
    throw new UserError(`${alarm.address}: the local cloud finds neither a metric nor an expression in it.`);
  }
  const statistics = metrics.map(
    ({ id, namespace, metric_name: name, dimensions, stat: statistic }) =>
      [id, { namespace, name, dimensions, statistic }] as const,
  );
  return { expression, period: first.period, metrics: new Map(statistics) };
}
