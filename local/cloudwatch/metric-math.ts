import jsep from "jsep";
import type { Series } from "./metric-store.ts";

// As loose as they are in CloudWatch: OR binds weaker than AND, and both weaker than comparisons.
jsep.addBinaryOp("OR", 1);
jsep.addBinaryOp("AND", 2);

/** A number stands for itself in every period. */
type Value = number | Series;

/**
 * Computes an expression of CloudWatch's metric math, as far as alarms of this project go: arithmetic,
 * comparisons, `AND`, `OR`, `IF` and `FILL`.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
export function computeExpression(expression: string, metrics: ReadonlyMap<string, Series>): Series {
  const length = Math.max(0, ...[...metrics.values()].map((series) => series.length));
  const compute = (node: jsep.Expression): Value => {
    if (!isKnown(node)) throw unknown(node.type);
    switch (node.type) {
      case "Literal":
        return Number(node.value);
      case "Identifier": {
        const series = metrics.get(node.name);
        if (series === undefined) throw new Error(`${expression}: there is no metric ${node.name}`);
        return series;
      }
      case "BinaryExpression": {
        const operation = OPERATIONS.get(node.operator);
        if (operation === undefined) throw unknown(node.operator);
        return combine(compute(node.left), compute(node.right), length, operation);
      }
      case "CallExpression": {
        const name = String(node.callee.name);
        const [first, second, third] = node.arguments.map(compute);
        if (first === undefined || second === undefined) throw unknown(name);
        if (name === "FILL") return spread(first, length).map((value, i) => value ?? at(second, i));
        if (name !== "IF" || third === undefined) throw unknown(name);
        return spread(first, length).map((value, i) =>
          value === undefined ? undefined : at(value === 0 ? third : second, i),
        );
      }
    }
  };
  const unknown = (what: string) =>
    new Error(`${expression}: the local CloudWatch does not know how to compute ${what}`);
  return spread(compute(jsep(expression)), length);
}

type Operation = (left: number, right: number) => number;

const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ["+", (a, b) => a + b],
  ["-", (a, b) => a - b],
  ["*", (a, b) => a * b],
  ["/", (a, b) => a / b],
  ["==", (a, b) => Number(a === b)],
  ["!=", (a, b) => Number(a !== b)],
  ["<", (a, b) => Number(a < b)],
  ["<=", (a, b) => Number(a <= b)],
  [">", (a, b) => Number(a > b)],
  [">=", (a, b) => Number(a >= b)],
  ["AND", (a, b) => Number(a !== 0 && b !== 0)],
  ["OR", (a, b) => Number(a !== 0 || b !== 0)],
]);

/** Where one of two series has no value it counts as 0; a division by 0 gives no value. Both as CloudWatch has it. */
function combine(left: Value, right: Value, length: number, operation: Operation): Value {
  if (typeof left === "number" && typeof right === "number") return operation(left, right);
  return Array.from({ length }, (_, i) => {
    const series = [left, right].filter((value) => typeof value !== "number");
    if (series.every((value) => value[i] === undefined)) return undefined;
    const result = operation(at(left, i) ?? 0, at(right, i) ?? 0);
    return Number.isFinite(result) ? result : undefined;
  });
}

function at(value: Value, index: number): number | undefined {
  return typeof value === "number" ? value : value[index];
}

function spread(value: Value, length: number): Series {
  return Array.from({ length }, (_, i) => at(value, i));
}

const KNOWN = ["Literal", "Identifier", "BinaryExpression", "CallExpression"];
type Known = jsep.Literal | jsep.Identifier | jsep.BinaryExpression | jsep.CallExpression;

function isKnown(node: jsep.Expression): node is Known {
  return KNOWN.includes(node.type);
}
