import { simulate } from "./capacity/simulate.ts";
import { paintAll } from "./makespan.ts";

export interface Check {
  /** When the planner says that the last picture is there, in seconds. */
  readonly planned: number;
  /** When it really was. */
  readonly real: number;
}

/**
 * Has the planner and the real pipeline, on the local cloud, do the same: first a small load, to measure what the
 * pipeline takes on this machine just now, then a larger one, which is planned before it is run.
 * @param rounds how many batches the larger load brings to each invocation; 2 or more
 */
export async function checkPlanner(rounds: number, throttle: number): Promise<Check> {
  const [batchSize, invocations, latency] = [4, 2, 3];
  const concurrency = batchSize * invocations;
  const consumer = { batchSize };
  const small = await paintAll({
    prompts: 2 * concurrency,
    concurrency,
    consumer,
    trouble: { latencyMs: latency * 1000 },
  });
  const [first, second] = [small[concurrency - 1], small[2 * concurrency - 1]];
  if (first === undefined || second === undefined) throw new Error("not all pictures came");
  const beside = Math.max(0, (second - first) / 1000 - latency);
  // Of a batch, the last picture waits for two thirds of the work on all of them, and one third of its own.
  const cpuPerPicture = beside / ((2 * batchSize) / 3 + 1 / 3);
  const prompts = rounds * concurrency;
  const run = simulate({
    prompts,
    within: 0,
    models: [
      { id: "local", slots: batchSize, pricePerImageUsd: 0.04, latency, latencySpread: 0, throttle, failures: 0 },
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
    measured: { cpuPerPicture, cpuToStart: Math.max(0, first / 1000 - latency - beside), write: 0 },
    alarms: { timeToImage: 60, oldestPrompt: 60 },
    seed: 1,
  });
  const real = await paintAll({
    prompts,
    concurrency,
    consumer,
    trouble: { latencyMs: latency * 1000, throttle, seed: 1 },
  });
  return { planned: run.finished.at(-1) ?? 0, real: (real.at(-1) ?? 0) / 1000 };
}
