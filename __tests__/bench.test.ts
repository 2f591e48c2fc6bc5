import { expect, it } from "vitest";
import { markdown, type Row, verdictOf, waysTable } from "../bench/table.ts";

function row(values: readonly number[], target?: number): Row {
  return { what: "this", against: "that", unit: "×", values, ...(target !== undefined && { target }) };
}

it.each([
  ["met", [1, 1.1, 1.2], 1.5, 1],
  ["within the spread", [1.4, 1.6, 1.7], 1.5, 1],
  ["missed", [1.6, 1.7, 1.8], 1.5, 1],
  ["met", [1.6, 1.7, 1.8], 1.5, 3],
  ["too noisy to tell", [0.1, 1, 3], 1.5, 1],
  ["too noisy to tell", [], 1.5, 1],
  ["", [1, 1.1, 1.2], undefined, 1],
] as const)("a target is %s by %j against %s, with a margin of %d", (verdict, values, target, margin) => {
  expect(verdictOf(row(values, target), margin)).toBe(verdict);
});

it("a figure that says nothing is not in the table", () => {
  expect(markdown([row([0.1, 1, 3], 1.5)])).toContain("| – | ≤ 1.5 × | too noisy to tell |");
});

it("the ways to feed the consumer have a column each, in a table of their own", () => {
  const rows: Row[] = ["one", "two"].map((way) => ({ ...row([1]), unit: "s", way }));
  expect(waysTable(rows)).toBe("| load | one | two |\n|---|---|---|\n| this | 1.0 s | 1.0 s |");
  expect(markdown(rows)).not.toContain("this");
});
