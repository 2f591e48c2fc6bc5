import { CloudwatchDashboard } from "@cdktf/provider-aws/lib/cloudwatch-dashboard/index.js";
import { Construct } from "constructs";
import type { Derived } from "../../config/derived.ts";
import { dashboardName } from "../../config/names.ts";
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

interface Line extends Metric {
  readonly label: string;
}

interface Graph {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Where an alarm or a promise stands. */
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

/** One page for the environment: what users feel first, then the machine, then money. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const rows = [
      { title: "What users feel", graphs: whatUsersFeel(props) },
      { title: "The machine", graphs: machine(props) },
      { title: "Money", graphs: money(props) },
    ];
    const alarms = {
      ...{ type: "alarm", x: 0, y: 0, width: 24, height: ALARMS_HEIGHT },
      properties: { title: "Alarms", alarms: props.alarmArns },
    };
    new CloudwatchDashboard(this, "dashboard", {
      dashboardName: dashboardName(props.suffix),
      dashboardBody: jsonOf({
        widgets: [
          alarms,
          ...rows.flatMap((row, index) => toWidgets(row, ALARMS_HEIGHT + index * (HEIGHT + 1), props)),
        ],
      }),
    });
  }
}

function whatUsersFeel({ suffix, derived, promptQueue, deadLetterQueue, api }: DashboardProps): Graph[] {
  const { timeToImageSeconds } = derived.thresholds;
  return [
    {
      title: "Time to image, ms",
      lines: [
        { ...ownMetric(suffix, "TimeToImage", "p50"), label: "half of all" },
        { ...ownMetric(suffix, "TimeToImage", "p95"), label: "19 of 20" },
      ],
      limit: { label: "objective", value: timeToImageSeconds * 1000 },
    },
    {
      title: "Prompts that wait",
      lines: [
        { ...queueMetric(promptQueue, "ApproximateNumberOfMessagesVisible", "Maximum"), label: "waiting" },
        {
          ...queueMetric(promptQueue, "ApproximateNumberOfMessagesNotVisible", "Maximum"),
          label: "being painted, or before the next try",
        },
      ],
    },
    {
      title: "Images a minute",
      lines: [{ ...ownMetric(suffix, "Images", "Sum"), label: "images" }],
    },
    {
      title: "Failures",
      lines: [
        { ...ownMetric(suffix, "Rejected", "Sum"), label: "rejected" },
        { ...retried(suffix, "failed"), label: "failed tries" },
        { ...retried(suffix, "broken"), label: "broken" },
        {
          ...queueMetric(deadLetterQueue, "ApproximateNumberOfMessagesVisible", "Maximum"),
          label: "dead letters",
        },
        { ...apiMetric(api, "5xx", "Sum"), label: "HTTP requests answered with an error" },
      ],
    },
  ];
}

function machine({ suffix, derived, promptQueue, consumer, consumerTimeout }: DashboardProps): Graph[] {
  return [
    {
      title: "Oldest prompt, s",
      lines: [{ ...queueMetric(promptQueue, "ApproximateAgeOfOldestMessage", "Maximum"), label: "age" }],
      limit: { label: "objective", value: derived.thresholds.timeToImageSeconds },
    },
    {
      title: "Consumer's run time, ms",
      lines: [
        { ...functionMetric(consumer, "Duration", "p95"), label: "19 of 20" },
        { ...functionMetric(consumer, "Duration", "Maximum"), label: "longest" },
      ],
      limit: { label: "time-out", value: consumerTimeout * 1000 },
    },
    {
      title: "Model latency, ms",
      lines: derived.modelChain.map(({ id }) => ({
        ...ownMetric(suffix, "ModelLatency", "p95", { Model: id }),
        label: id,
      })),
    },
    {
      title: "Trouble a minute",
      lines: [
        { ...functionMetric(consumer, "Errors", "Sum"), label: "errors" },
        { ...functionMetric(consumer, "Throttles", "Sum"), label: "throttled invocations" },
        { ...retried(suffix, "postponed"), label: "postponed" },
        { ...ownMetric(suffix, "Fallbacks", "Sum"), label: "painted by another model" },
        { ...ownMetric(suffix, "DuplicateDeliveries", "Sum"), label: "duplicate deliveries" },
        { ...ownMetric(suffix, "AbandonedLeases", "Sum"), label: "abandoned" },
      ],
    },
  ];
}

function money({ suffix, derived }: DashboardProps): Graph[] {
  return [
    {
      title: "Model cost an hour, US dollars",
      lines: [{ ...ownMetric(suffix, "EstimatedCostUsd", "Sum"), label: "all models" }],
      limit: { label: "the breaker stops the consumer", value: derived.thresholds.spendUsdPerHour },
      period: 3600,
    },
    {
      title: "Model cost a minute, US dollars",
      lines: derived.modelChain.map(({ id }) => ({
        ...ownMetric(suffix, "EstimatedCostUsd", "Sum", { Model: id }),
        label: id,
      })),
    },
    {
      title: "Pictures a minute by model",
      lines: derived.modelChain.map(({ id }) => ({
        ...ownMetric(suffix, "ModelLatency", "SampleCount", { Model: id }),
        label: id,
      })),
    },
  ];
}

function retried(suffix: string, outcome: string): Metric {
  return ownMetric(suffix, "Retried", "Sum", { Outcome: outcome });
}

function toWidgets(
  { title, graphs }: { readonly title: string; readonly graphs: readonly Graph[] },
  y: number,
  { region }: DashboardProps,
): object[] {
  const heading = { type: "text", x: 0, y, width: 24, height: 1, properties: { markdown: `## ${title}` } };
  return [
    heading,
    ...graphs.map(({ title, lines, limit, period = 60 }, index) => ({
      ...{ type: "metric", x: index * WIDTH, y: y + 1, width: WIDTH, height: HEIGHT },
      properties: {
        ...{ title, region, period, view: "timeSeries" },
        metrics: lines.map(({ namespace, name, dimensions, statistic, label }) => [
          ...[namespace, name, ...Object.entries(dimensions).flat()],
          { stat: statistic, label },
        ]),
        yAxis: { left: { min: 0 } },
        ...(limit !== undefined && { annotations: { horizontal: [limit] } }),
      },
    })),
  ];
}
