import { spawnSync } from "node:child_process";

/** A measured value with its spread. */
export interface Figures {
  readonly median: number;
  /** The quartiles. */
  readonly low: number;
  readonly high: number;
}

/** A process to time. */
export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What a process adds at its end, to tell its own processor time in milliseconds. */
export const TELL_CPU_TIME =
  ";{const{userCPUTime:u,systemCPUTime:s}=process.resourceUsage();console.log((u+s)/1000)}";

/**
 * Runs whole processes of this Node.js, one after the other in turn, so that a machine whose speed drifts slows all of
 * them down alike. Each one prints a number of milliseconds. The first round is a warm-up and does not count.
 * @param rounds how often each one runs
 * @returns for each command, the numbers of all rounds
 */
export function timeProcesses(commands: readonly Command[], rounds: number): number[][] {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { name, args, env }] of commands.entries()) {
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
      const time = Number.parseFloat(stdout);
      if (status !== 0 || Number.isNaN(time)) throw new Error(`${name} failed: ${stderr}`);
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
