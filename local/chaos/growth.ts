import type { Evidence, Usage } from "./evidence.ts";

/** So much may the mean of an environment's later measurements be above that of its earlier ones. */
const MOST_GROWTH = 1.1;
/** Fewer measurements of an environment say nothing. */
const FEWEST_MEASUREMENTS = 5;

/** The measurements of each environment that lived long enough. */
export function followed({ usage }: Evidence): [string, Usage[]][] {
  const byEnvironment = Map.groupBy(usage, ({ environment }) => environment);
  return [...byEnvironment].filter(([, all]) => all.length >= FEWEST_MEASUREMENTS);
}

/** Which environments hold on to more and more. */
export function growing(evidence: Evidence): string[] {
  return followed(evidence).flatMap(([environment, all]) => {
    // The first is taken while code is still being compiled and connections are opened.
    const warm = all.slice(1);
    const middle = Math.floor(warm.length / 2);
    return (["heapBytes", "handles"] as const).flatMap((what) => {
      const values = warm.map((each) => each[what]);
      const [earlier, later] = [mean(values.slice(0, middle)), mean(values.slice(middle))];
      return later > earlier * MOST_GROWTH
        ? [`${environment} went from ${Math.round(earlier)} to ${Math.round(later)} ${what}`]
        : [];
    });
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
