import { z } from "zod";
import type { MetricStore } from "./metric-store.ts";

const documentSchema = z
  .object({
    _aws: z.object({
      Timestamp: z.number(),
      CloudWatchMetrics: z.array(
        z.object({
          Namespace: z.string(),
          Dimensions: z.array(z.array(z.string())),
          Metrics: z.array(z.object({ Name: z.string() })),
        }),
      ),
    }),
  })
  .loose();

/**
 * Records the metrics of a log line that is a document of the embedded metric format; any other line has none.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @param at when, in milliseconds since the epoch
 */
export function recordEmbeddedMetrics(store: MetricStore, line: string, at: number): void {
  if (!line.startsWith('{"_aws"')) return;
  const document = documentSchema.parse(JSON.parse(line));
  const member = new Map(Object.entries(document));
  for (const { Namespace, Dimensions, Metrics } of document._aws.CloudWatchMetrics) {
    for (const keys of Dimensions) {
      const dimensions = Object.fromEntries(keys.map((key) => [key, z.string().parse(member.get(key))]));
      for (const { Name } of Metrics) {
        const value = z.number().parse(member.get(Name));
        store.record({ namespace: Namespace, name: Name, dimensions }, value, at);
      }
    }
  }
}
