import {
  CloudwatchMetricAlarm,
  type CloudwatchMetricAlarmConfig,
} from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js";
import { Construct } from "constructs";
import { alarmName } from "../../config/names.ts";
import { type AlarmDefinition, MISSING_DATA } from "./alarm-definition.ts";
import type { Metric } from "./metrics.ts";
import type { SpendBreaker } from "./spend-breaker.ts";

export interface AlarmsProps {
  readonly suffix: string;
  readonly table: readonly AlarmDefinition[];
  readonly topicArns: Readonly<Record<AlarmDefinition["severity"], string>>;
  /** `owner/name` on GitHub, for the links to the runbooks. */
  readonly repository: string;
  /** What the alarms with `stopsConsumer` invoke. */
  readonly breaker: SpendBreaker;
}

/**
 * Creates the alarms of a table. Each notifies the topic of its severity. There is no composite alarm: while one of its
 * alarms fires, CloudWatch would send no notification for the next.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html
 */
export class Alarms extends Construct {
  /** In the order of the table. */
  readonly arns: readonly string[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.arns = props.table.map((definition) => this.#createAlarm(definition, props));
  }

  #createAlarm(definition: AlarmDefinition, props: AlarmsProps): string {
    const { suffix, topicArns, breaker } = props;
    const { id, severity, m, n, threshold, stopsConsumer } = definition;
    const alarm = new CloudwatchMetricAlarm(this, id, {
      alarmName: alarmName(suffix, id),
      alarmDescription: describeAlarm(definition, props),
      ...metricConfigOf(definition),
      comparisonOperator: "GreaterThanThreshold",
      threshold,
      datapointsToAlarm: m,
      evaluationPeriods: n,
      treatMissingData: MISSING_DATA,
      alarmActions: [topicArns[severity], ...(stopsConsumer ? [breaker.function.arn] : [])],
      okActions: [topicArns[severity]],
      tags: { Severity: severity },
    });
    if (stopsConsumer) breaker.allow(id, alarm.arn);
    return alarm.arn;
  }
}

function metricConfigOf({ watches, period }: AlarmDefinition): Partial<CloudwatchMetricAlarmConfig> {
  if (!("expression" in watches)) {
    const { namespace, name, dimensions, statistic } = watches;
    return {
      ...{ namespace, metricName: name, dimensions: { ...dimensions }, period },
      ...(isPercentile(watches)
        ? { extendedStatistic: statistic, evaluateLowSampleCountPercentiles: "evaluate" }
        : { statistic }),
    };
  }
  const { metrics, expression } = watches;
  return {
    metricQuery: [
      { id: "result", expression, label: "result", returnData: true },
      ...Object.entries(metrics).map(([id, { namespace, name, dimensions, statistic }]) => ({
        id,
        metric: { namespace, metricName: name, dimensions: { ...dimensions }, stat: statistic, period },
      })),
    ],
  };
}

function isPercentile({ statistic }: Metric): boolean {
  return /^p\d/.test(statistic);
}

function describeAlarm(definition: AlarmDefinition, { repository }: AlarmsProps): string {
  const { id, severity, usersFeel, causes, firstCommand, runbook = id } = definition;
  return [
    `${severity.toUpperCase()}. What users feel: ${usersFeel}.`,
    `Likely: ${causes.map((cause, index) => `${index + 1}) ${cause}`).join("; ")}.`,
    `First: ${firstCommand}`,
    `Runbook: https://github.com/${repository}/blob/main/docs/runbooks/${runbook}.md`,
  ].join("\n");
}
