import { CloudwatchDashboard } from "@cdktf/provider-aws/lib/cloudwatch-dashboard/index.js";
import { Construct } from "constructs";
import type { Derived } from "../../config/derived.ts";
import { dashboardName } from "../../config/names.ts";
import type { MetricName } from "../../functions/domain/metrics.ts";
import { jsonOf } from "../json.ts";
import type { WatchedApi } from "./alarm-table.ts";
import { apiMetric, functionMetric, type Metric, ownMetric, queueMetric } from "./metrics.ts";

export interface DashboardProps {
  readonly suffix: string;
  readonly region: string;
  readonly derived: Derived;
  readonly promptQueue: string;
  readonly deadLetterQueue: string;
  /** The function's name. */
  readonly consumer: string;
  /** In seconds. */
  readonly consumerTimeout: number;
  readonly api: WatchedApi;
  readonly alarmArns: readonly string[];
}

interface Graph {
  readonly title: string;
  /** Each metric with its label. */
  readonly lines: readonly (readonly [label: string, metric: Metric])[];
  /** The threshold of an alarm, or an objective. */
  readonly limit?: { readonly label: string; readonly value: number };
  /** In seconds. Default: a minute. */
  readonly period?: number;
}

/** The grid is 24 units wide. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const COLUMNS = 4;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 6;
/** Room for three lines of alarms. */
const ALARMS_HEIGHT = 3;

/** The dashboard of an environment: alarms, what users feel, the machine, and money. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const alarms = {
      ...{ type: "alarm", x: 0, y: 0, width: 24, height: ALARMS_HEIGHT },
      properties: { title: "Alarms", alarms: props.alarmArns },
    };
    const rows = Object.entries(graphsOf(props)).flatMap(([title, graphs], index) =>
      toWidgets(title, graphs, ALARMS_HEIGHT + index * (HEIGHT + 1), props.region),
    );
    new CloudwatchDashboard(this, "dashboard", {
      dashboardName: dashboardName(props.suffix),
      dashboardBody: jsonOf({ widgets: [alarms, ...rows] }),
    });
  }
}

/** The graphs, by the heading of their row. */
function graphsOf(props: DashboardProps): Readonly<Record<string, readonly Graph[]>> {
  const { derived, promptQueue, deadLetterQueue, consumer, api } = props;
  const { timeToImageSeconds, spendUsdPerHour } = derived.thresholds;
  const own = (name: MetricName, statistic = "Sum") => ownMetric(props.suffix, name, statistic);
  const retried = (Outcome: string) => ownMetric(props.suffix, "Retried", "Sum", { Outcome });
  const byModel = (name: MetricName, statistic: string) =>
    derived.modelChain.map(
      ({ id }) => [id, ownMetric(props.suffix, name, statistic, { Model: id })] as const,
    );
  const waiting = (queue: string, name: string) => queueMetric(queue, name, "Maximum");
  return {
    "What users feel": [
      {
        title: "Time to image, ms",
        lines: [
          ["half of all", own("TimeToImage", "p50")],
          ["19 of 20", own("TimeToImage", "p95")],
        ],
        limit: { label: "objective", value: timeToImageSeconds * 1000 },
      },
      {
        title: "Waiting prompts",
        lines: [
          ["waiting", waiting(promptQueue, "ApproximateNumberOfMessagesVisible")],
          ["being painted, or before a retry", waiting(promptQueue, "ApproximateNumberOfMessagesNotVisible")],
        ],
      },
      { title: "Images a minute", lines: [["images", own("Images")]] },
      {
        title: "Failures",
        lines: [
          ["rejected", own("Rejected")],
          ["failed tries", retried("failed")],
          ["broken", retried("broken")],
          ["dead letters", waiting(deadLetterQueue, "ApproximateNumberOfMessagesVisible")],
          ["HTTP 5xx", apiMetric(api, "5xx", "Sum")],
        ],
      },
    ],
    "The machine": [
      {
        title: "Oldest prompt, s",
        lines: [["age", waiting(promptQueue, "ApproximateAgeOfOldestMessage")]],
        limit: { label: "objective", value: timeToImageSeconds },
      },
      {
        title: "Consumer's run time, ms",
        lines: [
          ["19 of 20", functionMetric(consumer, "Duration", "p95")],
          ["longest", functionMetric(consumer, "Duration", "Maximum")],
        ],
        limit: { label: "timeout", value: props.consumerTimeout * 1000 },
      },
      { title: "Model latency, ms", lines: byModel("ModelLatency", "p95") },
      {
        title: "Trouble a minute",
        lines: [
          ["errors", functionMetric(consumer, "Errors", "Sum")],
          ["throttled invocations", functionMetric(consumer, "Throttles", "Sum")],
          ["postponed", retried("postponed")],
          ["painted by another model", own("Fallbacks")],
          ["duplicate deliveries", own("DuplicateDeliveries")],
          ["abandoned", own("AbandonedLeases")],
        ],
      },
    ],
    Money: [
      {
        title: "Model cost an hour, US dollars",
        lines: [["all models", own("EstimatedCostUsd")]],
        limit: { label: "the breaker stops the consumer", value: spendUsdPerHour },
        period: 3600,
      },
      { title: "Model cost a minute, US dollars", lines: byModel("EstimatedCostUsd", "Sum") },
      { title: "Pictures a minute by model", lines: byModel("ModelLatency", "SampleCount") },
    ],
  };
}

function toWidgets(heading: string, graphs: readonly Graph[], y: number, region: string): object[] {
  return [
    { type: "text", x: 0, y, width: 24, height: 1, properties: { markdown: `## ${heading}` } },
    ...graphs.map(({ title, lines, limit, period = 60 }, index) => ({
      ...{ type: "metric", x: index * WIDTH, y: y + 1, width: WIDTH, height: HEIGHT },
      properties: {
        ...{ title, region, period, view: "timeSeries" },
        metrics: lines.map(([label, { namespace, name, dimensions, statistic }]) => [
          ...[namespace, name, ...Object.entries(dimensions).flat()],
          { stat: statistic, label },
        ]),
        yAxis: { left: { min: 0 } },
        ...(limit !== undefined && { annotations: { horizontal: [limit] } }),
      },
    })),
  ];
}
