import { describe, expect, it } from "vitest";
import { Metrics } from "../functions/domain/metrics.ts";
import { recordEmbeddedMetrics } from "../local/cloudwatch/embedded-metrics.ts";
import { MetricStore } from "../local/cloudwatch/metric-store.ts";

function written(emit: (metrics: Metrics) => void): string[] {
  const lines: string[] = [];
  emit(new Metrics("dev", (line) => lines.push(line)));
  return lines;
}

describe("metrics", () => {
  it("are one line of JSON each time, with a directive for each metric, its unit and its dimensions", () => {
    const [line = "", ...others] = written((metrics) =>
      metrics.emit({ EstimatedCostUsd: 0.04, ModelLatency: 9_000 }, { Model: "core" }),
    );
    expect(others).toEqual([]);
    expect(line.endsWith("}\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      _aws: {
        Timestamp: expect.closeTo(Date.now(), -5),
        CloudWatchMetrics: [
          {
            Namespace: "CouchExplorers",
            Dimensions: [["Environment"], ["Environment", "Model"]],
            Metrics: [{ Name: "EstimatedCostUsd", Unit: "None" }],
          },
          {
            Namespace: "CouchExplorers",
            Dimensions: [["Environment", "Model"]],
            Metrics: [{ Name: "ModelLatency", Unit: "Milliseconds" }],
          },
        ],
      },
      Environment: "dev",
      Model: "core",
      EstimatedCostUsd: 0.04,
      ModelLatency: 9_000,
    });
  });

  it("are read by the local CloudWatch once for each set of dimensions", () => {
    const store = new MetricStore();
    for (const line of written((metrics) => metrics.emit({ EstimatedCostUsd: 0.04 }, { Model: "core" }))) {
      recordEmbeddedMetrics(store, line, 5);
    }
    const sum = (dimensions: Record<string, string>) =>
      store.statistic({ namespace: "CouchExplorers", name: "EstimatedCostUsd", dimensions }, "Sum", 0, 10);
    expect(sum({ Environment: "dev" })).toBe(0.04);
    expect(sum({ Environment: "dev", Model: "core" })).toBe(0.04);
    expect(sum({ Model: "core" })).toBeUndefined();
  });

  it("are not looked for in other log lines", () => {
    const store = new MetricStore();
    expect(() => recordEmbeddedMetrics(store, '{"level":"INFO"', 0)).not.toThrow();
  });
});
