import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A measured value with its spread. */
export interface Figures {
  readonly median: number;
  /** The quartiles. */
  readonly low: number;
  readonly high: number;
}

/** A process of this Node.js to time. */
export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const TELL_CPU_TIME = fileURLToPath(new URL("./fake/tell-cpu-time.cjs", import.meta.url));

/**
 * Runs whole processes, one after the other in turn, so that a machine whose speed drifts slows all of them down
 * alike. The first round is a warm-up and does not count.
 * @param rounds how often each one runs
 * @returns for each command, the processor time of each round in milliseconds
 */
export function timeProcesses(commands: readonly Command[], rounds: number): number[][] {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { name, args, env }] of commands.entries()) {
      const { status, stderr } = spawnSync(process.execPath, ["--require", TELL_CPU_TIME, ...args], {
        env,
        encoding: "utf8",
      });
      const time = Number.parseFloat(stderr.trimEnd().split("\n").at(-1) ?? "");
      if (status !== 0 || Number.isNaN(time)) throw new Error(`${name} failed: ${stderr.slice(-500)}`);
      if (round > 0) times[index]?.push(time);
    }
  }
  return times;
}

/** @param values at least one */
export function figuresOf(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** Combines two series round by round. */
export function pairwise(
  ones: readonly number[],
  others: readonly number[],
  combine: (one: number, other: number) => number,
): number[] {
  return ones.map((one, index) => combine(one, others[index] ?? Number.NaN));
}
