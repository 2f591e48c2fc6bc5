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

interface Alarm {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly actions: Actions;
}

export interface MetricStatistic extends MetricId {
  readonly statistic: string;
}

export interface MetricAlarmSpec extends Alarm {
  readonly rule: AlarmRule;
  /** In seconds. */
  readonly period: number;
  /** By the names that the expression gives them. */
  readonly metrics: ReadonlyMap<string, MetricStatistic>;
  readonly expression: string;
}

/** An alarm that follows the states of others. */
export interface CompositeAlarmSpec extends Alarm {
  /** It fires while one of these does. */
  readonly anyOf: readonly string[];
}

export interface AlarmSpecs {
  readonly metricAlarms: readonly MetricAlarmSpec[];
  readonly compositeAlarms: readonly CompositeAlarmSpec[];
}

const alarmSchema = z.object({
  alarm_name: z.string(),
  arn: z.string(),
  alarm_description: z.string().default(""),
  alarm_actions: z.array(z.string()).default([]),
  ok_actions: z.array(z.string()).default([]),
  insufficient_data_actions: z.array(z.string()).default([]),
});

const dimensionsSchema = z.record(z.string(), z.string()).default({});

const metricAlarmSchema = alarmSchema.extend({
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

const compositeSchema = alarmSchema.extend({ alarm_rule: z.string() });

/** The alarms of the synthesised stack. */
export function readAlarms(terraform: Terraform): AlarmSpecs {
  return {
    metricAlarms: terraform.resources("aws_cloudwatch_metric_alarm", metricAlarmSchema).map(toMetricAlarm),
    compositeAlarms: terraform.resources("aws_cloudwatch_composite_alarm", compositeSchema).map((alarm) => ({
      ...toAlarm(alarm),
      anyOf: alarm.alarm_rule.split(/\sOR\s/).map((part) => {
        const name = /^ALARM\("([^"]+)"\)$/.exec(part)?.[1];
        if (name !== undefined) return name;
        throw new UserError(
          `${alarm.address}: the local cloud only knows rules like ALARM("a") OR ALARM("b").`,
        );
      }),
    })),
  };
}

function toAlarm(alarm: z.infer<typeof alarmSchema>): Alarm {
  return {
    name: alarm.alarm_name,
    arn: alarm.arn,
    description: alarm.alarm_description,
    actions: {
      ALARM: alarm.alarm_actions,
      OK: alarm.ok_actions,
      INSUFFICIENT_DATA: alarm.insufficient_data_actions,
    },
  };
}

function toMetricAlarm(
  alarm: z.infer<typeof metricAlarmSchema> & { readonly address: string },
): MetricAlarmSpec {
  return {
    ...toAlarm(alarm),
    ...whatItWatches(alarm),
    rule: {
      comparison: alarm.comparison_operator,
      threshold: alarm.threshold,
      evaluationPeriods: alarm.evaluation_periods,
      datapointsToAlarm: alarm.datapoints_to_alarm ?? alarm.evaluation_periods,
      missingData: alarm.treat_missing_data,
    },
  };
}

function whatItWatches(
  alarm: z.infer<typeof metricAlarmSchema> & { readonly address: string },
): Pick<MetricAlarmSpec, "metrics" | "expression" | "period"> {
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
