import { METRIC_NAMESPACE, type MetricName } from "../../functions/domain/metrics.ts";

/** A statistic of one metric, as alarms and dashboards ask for it. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** `Sum`, `Average`, `Maximum`… or a percentile such as `p95`. */
  readonly statistic: string;
}

/** A metric that the functions write themselves. */
export function ownMetric(
  environment: string,
  name: MetricName,
  statistic: string,
  dimensions: Readonly<Record<string, string>> = {},
): Metric {
  return {
    namespace: METRIC_NAMESPACE,
    name,
    statistic,
    dimensions: { Environment: environment, ...dimensions },
  };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html */
export function queueMetric(queueName: string, name: string, statistic: string): Metric {
  return { namespace: "AWS/SQS", name, statistic, dimensions: { QueueName: queueName } };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
export function functionMetric(functionName: string, name: string, statistic: string): Metric {
  return { namespace: "AWS/Lambda", name, statistic, dimensions: { FunctionName: functionName } };
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html */
export function apiMetric(
  { apiId, stageName }: { readonly apiId: string; readonly stageName: string },
  name: string,
  statistic: string,
): Metric {
  return { namespace: "AWS/ApiGateway", name, statistic, dimensions: { ApiId: apiId, Stage: stageName } };
}
