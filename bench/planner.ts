import { derive } from "../config/derived.ts";
import { loadSettings } from "../config/load.ts";
import type { Question } from "./capacity/question.ts";
import { simulate } from "./capacity/simulate.ts";
import { makePicture } from "./fake/picture.ts";
import { paintAll } from "./makespan.ts";

export interface Check {
  /** When the planner says that nine of ten pictures are there, in seconds. */
  readonly planned: number;
  /** When they really were. */
  readonly real: number;
}

const SEEDS = 20;
/** The last pictures are left out: how often the very last prompt is throttled is luck. */
const PART = 0.9;

/**
 * Has the real pipeline, on the local cloud, paint a load, and lets the planner say when most of the pictures are there,
 * from what the first half of them took beside the model on this machine.
 * @param rounds how many prompts come to each invocation at once; 4 or more
 */
export async function checkPlanner(rounds: number, throttle: number): Promise<Check> {
  const [maximumConcurrency, latency] = [8, 3];
  const prompts = rounds * maximumConcurrency;
  const { arrivals, modelMs } = await paintAll({
    prompts,
    concurrency: maximumConcurrency,
    trouble: { latencyMs: latency * 1000, throttle, seed: 1 },
    // Small: a busy machine is not to decide what comes of a question of time.
    picture: makePicture(20_000),
  });
  const at = (picture: number) => (arrivals[picture - 1] ?? 0) / 1000;
  const call = mean(modelMs) / 1000;
  const half = prompts / 2;
  const between = (at(half) - at(maximumConcurrency)) / (half - maximumConcurrency);
  // A throttled invocation ends at once, and makes room for the next one.
  const beside = Math.max(0, between * maximumConcurrency - call);
  const cpuToStart = Math.max(0, mean(arrivals.slice(0, maximumConcurrency)) / 1000 - call - beside);
  const question: Question = {
    prompts,
    within: 0,
    models: [{ id: "local", pricePerImageUsd: 1, latency, latencySpread: 0, throttle, failures: 0 }],
    consumer: {
      // All of one processor: what is measured is this machine's.
      memoryMb: 1769,
      timeout: 120,
      modelTimeout: 50,
      maximumConcurrency,
      receiveLimit: 10,
    },
    retention: 86_400,
    measured: { cpuPerPicture: beside, cpuToStart, write: 0 },
    thresholds: derive(await loadSettings("dev")).thresholds,
    seed: 0,
  };
  // Which calls are throttled is luck: the plan is what comes out on average.
  const planned = Array.from(
    { length: SEEDS },
    (_, seed) => simulate({ ...question, seed }).finished[Math.ceil(PART * prompts) - 1] ?? 0,
  );
  return { planned: mean(planned), real: at(Math.ceil(PART * prompts)) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
