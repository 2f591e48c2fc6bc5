import { spawnSync } from "node:child_process";

/** Figures of one measured thing, in milliseconds. */
export interface Figures {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A process to time. */
export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Times whole processes of this Node.js, one after the other in turn, so that a machine whose speed drifts slows all
 * of them down alike. The first round is a warm-up and does not count. Throws if a process fails.
 * @param rounds how often each one runs
 */
export function timeProcesses(commands: readonly Command[], rounds: number): Figures[] {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { name, args, env }] of commands.entries()) {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
      const elapsed = performance.now() - started;
      if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
      if (round > 0) times[index]?.push(elapsed);
    }
  }
  return times.map(figuresOf);
}

/** @param values at least one */
export function figuresOf(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), min: at(0), max: at(sorted.length - 1) };
}

export function formatMs({ median, min, max }: Figures): string {
  return `${median.toFixed(0)} ms (${min.toFixed(0)} to ${max.toFixed(0)})`;
}
