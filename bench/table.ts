import { readFileSync, writeFileSync } from "node:fs";
import measured from "./measured.json" with { type: "json" };

/** The figures that the planner and the choice of memory work with. */
export type Measured = typeof measured;

/** One line of the table: what was measured, against what. */
export interface Row {
  readonly what: string;
  /** The baseline, measured in the same run. */
  readonly against: string;
  /** The column of the table of ways that it belongs to. */
  readonly way?: string;
  readonly unit: "×" | "%" | "s" | "ms" | "MB" | "kB" | "users";
  /** Of all rounds. */
  readonly values: readonly number[];
  /** The largest value that is good enough. */
  readonly target?: number;
  /** The name of this figure in `bench/measured.json`. */
  readonly measures?: keyof Measured;
}

/** A part cannot be measured here and now; the message says why. */
export class CannotMeasureError extends Error {
  override readonly name = "CannotMeasureError";
}

/** A part of the benchmark. */
export interface Part {
  readonly name: string;
  /** Whether it is quick, and stable on a busy machine. */
  readonly quick: boolean;
  /** @throws CannotMeasureError instead of a number that means nothing */
  run(): Promise<readonly Row[]>;
}

export type Verdict = "met" | "within the spread" | "missed" | "too noisy to tell" | "";

/** The spread, as a part of the median, above which a value means nothing. */
const NOISE = 0.5;

/** @param margin a target may be exceeded by this factor; 1: not at all */
export function verdictOf({ values, target }: Row, margin: number): Verdict {
  const { median, low, high } = quartiles(values);
  if (!Number.isFinite(median) || high - low > NOISE * Math.abs(median)) return "too noisy to tell";
  if (target === undefined) return "";
  if (median <= target * margin) return "met";
  return low <= target * margin ? "within the spread" : "missed";
}

export function markdown(rows: readonly Row[]): string {
  return [
    "| what | against | median (quartiles) | target | |",
    "|---|---|---|---|---|",
    ...rows
      .filter(({ way }) => way === undefined)
      .map((row) => {
        const verdict = verdictOf(row, 1);
        const value = verdict === "too noisy to tell" ? "–" : format(row);
        const target = row.target === undefined ? "" : `≤ ${row.target} ${row.unit}`;
        return `| ${row.what} | ${row.against} | ${value} | ${target} | ${verdict} |`;
      }),
  ].join("\n");
}

/** The rows that belong to a way to feed the consumer: a column for each way. */
export function waysTable(rows: readonly Row[]): string {
  const ofWays = rows.filter(({ way }) => way !== undefined);
  const ways = [...new Set(ofWays.map(({ way }) => way))];
  return [
    `| ${["load", ...ways].join(" | ")} |`,
    `|${"---|".repeat(ways.length + 1)}`,
    ...[...Map.groupBy(ofWays, ({ what }) => what)].map(
      ([what, cells]) => `| ${[what, ...cells.map(format)].join(" | ")} |`,
    ),
  ].join("\n");
}

export function format({ values, unit }: Row): string {
  const { median, low, high } = quartiles(values);
  const digits = unit === "×" || unit === "%" ? 2 : unit === "s" ? 1 : 0;
  if (values.length === 1) return `${median.toFixed(digits)} ${unit}`;
  return `${median.toFixed(digits)} ${unit} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

export function quartiles(values: readonly number[]) {
  return {
    low: percentile(values, 0.25),
    median: percentile(values, 0.5),
    high: percentile(values, 0.75),
  };
}

/** By nearest rank; NaN of no values. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;
}

/** Combines two series round by round. */
export function pairwise(
  ones: readonly number[],
  others: readonly number[],
  combine: (one: number, other: number) => number,
): number[] {
  return ones.map((one, index) => combine(one, others[index] ?? Number.NaN));
}

const PAGES = ["performance", "serverless-or-service"].map(
  (page) => new URL(`../docs/${page}.md`, import.meta.url),
);

/** Replaces the text between the markers of a section, on each page that has it. */
export function writeSection(name: string, text: string): void {
  const section = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
  const pages = PAGES.filter((page) => section.test(readFileSync(page, "utf8")));
  if (pages.length === 0) throw new Error(`no page of docs/ has a section ${name}`);
  for (const page of pages) {
    const before = readFileSync(page, "utf8");
    writeFileSync(
      page,
      before.replace(section, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
    );
  }
}
