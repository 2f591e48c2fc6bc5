import { derive } from "../config/derived.ts";
import { loadSettings } from "../config/load.ts";
import type { Question } from "./capacity/question.ts";
import { simulate } from "./capacity/simulate.ts";
import { makePicture } from "./fake/picture.ts";
import { paintAll } from "./makespan.ts";

export interface Check {
  /** When the planner says that the last picture is there, in seconds. */
  readonly planned: number;
  /** When it really was. */
  readonly real: number;
}

const SEEDS = 20;

/** How much of each batch's work on the last picture waits for the others: all storing, and its own claim. */
const lastPictureParts = (batchSize: number): number => (2 * batchSize) / 3 + 1 / 3;

/**
 * Has the real pipeline, on the local cloud, paint a load, and lets the planner say when the last picture is there,
 * from what the first half of the batches took beside the model on this machine.
 * @param rounds how many batches come to each invocation; 4 or more
 */
export async function checkPlanner(rounds: number, throttle: number): Promise<Check> {
  const [batchSize, invocations, latency] = [4, 2, 3];
  const concurrency = batchSize * invocations;
  const prompts = rounds * concurrency;
  const { arrivals, batches } = await paintAll({
    prompts,
    concurrency,
    consumer: { batchSize },
    trouble: { latencyMs: latency * 1000, throttle, seed: 1 },
    // Small: a busy machine is not to decide what comes of a question of time.
    picture: makePicture(20_000),
  });
  const endOf = (round: number) => (arrivals[round * concurrency - 1] ?? 0) / 1000;
  const calls = batches.map(({ longestCallMs }) => longestCallMs / 1000);
  const half = Math.floor(rounds / 2);
  const laterCalls = calls.slice(invocations, half * invocations);
  const beside = Math.max(0, (endOf(half) - endOf(1)) / (half - 1) - mean(laterCalls));
  const cpuToStart = Math.max(0, endOf(1) - mean(calls.slice(0, invocations)) - beside);
  const question: Question = {
    prompts,
    within: 0,
    models: [
      {
        id: "local",
        slots: batchSize,
        pricePerImageUsd: 1,
        latency,
        latencySpread: 0,
        throttle,
        failures: 0,
      },
    ],
    consumer: {
      // All of one processor: what is measured is this machine's.
      memoryMb: 1769,
      timeout: 120,
      modelTimeout: 50,
      batchSize,
      maximumConcurrency: invocations,
      receiveLimit: 10,
    },
    retention: 86_400,
    measured: { cpuPerPicture: beside / lastPictureParts(batchSize), cpuToStart, write: 0 },
    thresholds: derive(await loadSettings("dev")).thresholds,
    seed: 0,
  };
  // Which calls are throttled is luck: the plan is what comes out on average.
  const planned = Array.from(
    { length: SEEDS },
    (_, seed) => simulate({ ...question, seed }).finished.at(-1) ?? 0,
  );
  return { planned: mean(planned), real: endOf(rounds) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
