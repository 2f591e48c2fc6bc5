import { CloudwatchCompositeAlarm } from "@cdktf/provider-aws/lib/cloudwatch-composite-alarm/index.js";
import {
  CloudwatchMetricAlarm,
  type CloudwatchMetricAlarmConfig,
} from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js";
import { Construct } from "constructs";
import { alarmName } from "../../config/names.ts";
import type { AlarmDefinition } from "./alarm-table.ts";
import type { Metric } from "./metrics.ts";

export interface AlarmsProps {
  readonly suffix: string;
  readonly table: readonly AlarmDefinition[];
  readonly topicArns: Readonly<Record<AlarmDefinition["severity"], string>>;
  /** `owner/name` on GitHub, where the runbooks are read. */
  readonly repository: string;
  /** What fires beside the notification, by the alarm's id. */
  readonly actions: Readonly<Record<string, string>>;
}

/**
 * The table of alarms, made. All of them notify the topic of tickets; those that would page are joined in one alarm
 * that notifies the topic of pages: an outage that sets off five of them calls somebody once.
 */
export class Alarms extends Construct {
  readonly #alarms: ReadonlyMap<string, CloudwatchMetricAlarm>;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#alarms = new Map(
      props.table.map((definition) => [definition.id, this.#createAlarm(definition, props)]),
    );
    this.#createOutage(props);
  }

  /** Of the alarms in the table, in its order. */
  get arns(): string[] {
    return [...this.#alarms.values()].map(({ arn }) => arn);
  }

  /** @param id the alarm's id in the table */
  arn(id: string): string {
    return this.#get(id).arn;
  }

  #get(id: string): CloudwatchMetricAlarm {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) throw new Error(`the table has no alarm ${id}`);
    return alarm;
  }

  #createAlarm(definition: AlarmDefinition, props: AlarmsProps): CloudwatchMetricAlarm {
    const { suffix, topicArns, actions } = props;
    const { id, severity, m, n, threshold, missingData } = definition;
    const action = actions[id];
    return new CloudwatchMetricAlarm(this, id, {
      alarmName: alarmName(suffix, id),
      alarmDescription: describeAlarm(definition, props),
      ...whatItWatches(definition),
      comparisonOperator: "GreaterThanThreshold",
      threshold,
      datapointsToAlarm: m,
      evaluationPeriods: n,
      treatMissingData: missingData,
      alarmActions: [topicArns.ticket, ...(action === undefined ? [] : [action])],
      okActions: [topicArns.ticket],
      tags: { Severity: severity },
    });
  }

  #createOutage(props: AlarmsProps): void {
    const { suffix, table, topicArns } = props;
    const paging = table.filter(({ severity }) => severity === "page");
    new CloudwatchCompositeAlarm(this, "outage", {
      alarmName: alarmName(suffix, "outage"),
      alarmDescription: [
        "PAGE. Users notice. This calls once, however many alarms are behind it; the message names them.",
        `First: aws cloudwatch describe-alarms --state-value ALARM --alarm-name-prefix ${alarmName(suffix, "")}`,
        `Runbook: ${runbookUrl(props.repository, "outage")}`,
      ].join("\n"),
      alarmRule: paging.map(({ id }) => `ALARM("${this.#get(id).alarmName}")`).join(" OR\n"),
      alarmActions: [topicArns.page],
      okActions: [topicArns.page],
      tags: { Severity: "page" },
    });
  }
}

function whatItWatches({ watches, period }: AlarmDefinition): Partial<CloudwatchMetricAlarmConfig> {
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

/** What the notification says: all that somebody half awake needs. */
function describeAlarm(definition: AlarmDefinition, { repository }: AlarmsProps): string {
  const { severity, usersFeel, causes, firstCommand, runbook } = definition;
  return [
    `${severity.toUpperCase()}. What users feel: ${usersFeel}.`,
    `Likely: ${causes.map((cause, index) => `${index + 1}) ${cause}`).join("; ")}.`,
    `First: ${firstCommand}`,
    `Runbook: ${runbookUrl(repository, runbook)}`,
  ].join("\n");
}

function runbookUrl(repository: string, page: string): string {
  return `https://github.com/${repository}/blob/main/docs/runbooks/${page}.md`;
}
