import { simulate } from "./capacity/simulate.ts";
import { paintAll } from "./makespan.ts";

export interface Check {
  /** When the planner says that the last picture is there, in seconds. */
  readonly planned: number;
  /** When it really was. */
  readonly real: number;
}

/** How much of each batch's work on the last picture waits for the others: all storing, and its own claim. */
const lastPictureParts = (batchSize: number): number => (2 * batchSize) / 3 + 1 / 3;

/**
 * Has the real pipeline, on the local cloud, paint a load, and lets the planner say when the last picture is there,
 * from what a batch took beside the model on this machine.
 * @param rounds how many batches come to each invocation
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
  });
  const beside = mean(batches.map(({ durationMs, longestCallMs }) => durationMs - longestCallMs)) / 1000;
  const run = simulate({
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
    measured: {
      cpuPerPicture: beside / lastPictureParts(batchSize),
      cpuToStart: mean(batches.flatMap(({ initMs }) => initMs ?? [])) / 1000,
      write: 0,
    },
    alarms: { timeToImage: 60, oldestPrompt: 60 },
    seed: 1,
  });
  return { planned: run.finished.at(-1) ?? 0, real: (arrivals.at(-1) ?? 0) / 1000 };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
