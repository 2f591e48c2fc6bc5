import { figuresOf } from "./measure.ts";
import measured from "./measured.json" with { type: "json" };

/** One line of the table: what was measured, against what. */
export interface Row {
  readonly what: string;
  /** The baseline, measured in the same run. */
  readonly against: string;
  readonly unit: "×" | "ms" | "MB" | "kB" | "users";
  /** Of all rounds. */
  readonly values: readonly number[];
  /** The largest value that is good enough. */
  readonly target?: number;
  /** Which of the figures that the planner and the choice of sizes work with this is, in `bench/measured.json`. */
  readonly measures?: keyof typeof measured;
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
  /** Throws {@link CannotMeasureError} rather than give a number that says nothing. */
  run(): Promise<readonly Row[]>;
}

export type Verdict = "met" | "within the spread" | "missed" | "too noisy to tell" | "";

/** The spread, as a part of the median, above which a value says nothing. */
const NOISE = 0.5;

/** @param margin by how much a target may be passed: 1 is not at all */
export function verdictOf({ values, target }: Row, margin: number): Verdict {
  const { median, low, high } = figuresOf(values);
  if (!Number.isFinite(median) || high - low > NOISE * Math.abs(median)) return "too noisy to tell";
  if (target === undefined) return "";
  if (median <= target * margin) return "met";
  return low <= target * margin ? "within the spread" : "missed";
}

export function markdown(rows: readonly Row[]): string {
  return [
    "| what | against | median (quartiles) | target | |",
    "|---|---|---|---|---|",
    ...rows.map((row) => {
      const verdict = verdictOf(row, 1);
      const value = verdict === "too noisy to tell" ? "–" : format(row);
      const target = row.target === undefined ? "" : `≤ ${row.target} ${row.unit}`;
      return `| ${row.what} | ${row.against} | ${value} | ${target} | ${verdict} |`;
    }),
  ].join("\n");
}

export function format({ values, unit }: Row): string {
  const { median, low, high } = figuresOf(values);
  const digits = unit === "×" ? 2 : 0;
  if (values.length === 1) return `${median.toFixed(digits)} ${unit}`;
  return `${median.toFixed(digits)} ${unit} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}
