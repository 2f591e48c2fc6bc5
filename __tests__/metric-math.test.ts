import { describe, expect, it } from "vitest";
import { computeExpression } from "../local/cloudwatch/metric-math.ts";
import { MetricStore } from "../local/cloudwatch/metric-store.ts";

const m1 = [30, 20, 0, 0];
const m2 = [20, undefined, 20, undefined];

function compute(expression: string): readonly (number | undefined)[] {
  return computeExpression(
    expression,
    new Map<string, (number | undefined)[]>([
      ["metric1", m1],
      ["metric2", m2],
      ["nothing", [undefined, undefined, undefined, undefined]],
    ]),
  );
}

describe("metric math", () => {
  // The first three are the examples in
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html#metric-math-syntax-operators
  it.each([
    ["(metric1 < metric2)", [0, 0, 1, 0]],
    ["(metric1 >= 30)", [1, 0, 0, 0]],
    ["(metric1 > 15 AND metric2 > 15)", [1, 0, 0, 0]],
    ["metric1 > 25 OR metric1 == 20 AND metric2 > 0", [1, 0, 0, 0]],
    ["metric1 + metric2 * 2", [70, 20, 40, 0]],
    ["100 / metric1", [100 / 30, 5, undefined, undefined]],
    ["FILL(metric2, 7)", [20, 7, 20, 7]],
    ["FILL(nothing, 0)", [0, 0, 0, 0]],
    ["nothing + nothing", [undefined, undefined, undefined, undefined]],
    ["IF(metric1 > 10, metric2, 5)", [20, undefined, 5, 5]],
  ])("%s is %j", (expression, expected) => {
    expect(compute(expression)).toEqual(expected);
  });

  it.each([
    ["RATE(metric1, 1)", "does not know how to compute RATE"],
    ["metric3 + 1", "there is no metric metric3"],
    ["metric1 ^ 2", "does not know how to compute ^"],
  ])("%s is refused: %s", (expression, message) => {
    expect(() => compute(expression)).toThrow(message);
  });
});

describe("a statistic", () => {
  const metric = { namespace: "N", name: "M", dimensions: { A: "1", B: "2" } };

  it.each([
    ["Sum", 5050],
    ["Average", 50.5],
    ["Minimum", 1],
    ["Maximum", 100],
    ["SampleCount", 100],
    ["p95", 95],
    ["p99.9", 100],
  ])("%s of 1 to 100 is %d", (statistic, expected) => {
    const store = new MetricStore();
    for (let value = 100; value > 0; value--) store.record(metric, value, 0);
    expect(store.statistic(metric, statistic, 0, 1)).toBe(expected);
  });

  it("counts what is from its start up to, and not with, its end, whatever the order of the dimensions", () => {
    const store = new MetricStore();
    for (const at of [9, 10, 19, 20]) store.record(metric, at, at);
    expect(store.statistic({ ...metric, dimensions: { B: "2", A: "1" } }, "Sum", 10, 20)).toBe(29);
    expect(store.statistic({ ...metric, dimensions: { A: "1" } }, "Sum", 10, 20)).toBeUndefined();
  });
});
