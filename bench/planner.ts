import { derive } from "../config/derived.ts";
import { loadSettings } from "../config/load.ts";
import { FIRST_INVOCATIONS } from "../local/lambda/scaling-ramp.ts";
import { stream } from "../local/model/painter/random.ts";
import type { Question } from "./capacity/question.ts";
import { simulate } from "./capacity/simulate.ts";
import { drawModelTime } from "./fake/model.ts";
import { paintLoad } from "./load.ts";
import { type Part, percentile, type Row } from "./table.ts";

/** How well the planner foresees the real pipeline. */
export const planner: Part = {
  name: "planner",
  quick: false,
  run: async () => Promise.all([0.25, 0.5].map(compare)),
};

async function compare(spread: number): Promise<Row> {
  const { planned, real } = await checkPlanner(ROUNDS, spread, 0);
  return {
    what: `the planner: most of the pictures, spread ${spread}`,
    against: "the pipeline on this machine, the larger by the smaller",
    ...{ unit: "×", values: [Math.max(planned / real, real / planned)], target: 1.1 },
  };
}

export interface Check {
  /** When the planner says that nine of ten pictures are there, in seconds. */
  readonly planned: number;
  /** When they really were. */
  readonly real: number;
}

const ROUNDS = 8;
const SEEDS = 20;
/** The last pictures are left out: how often the very last prompt is throttled is luck. */
const PART = 0.9;

/**
 * Has the real pipeline, on the local cloud, paint a load, and lets the planner say when most of the pictures are there,
 * from what the first half of them took beside the model on this machine.
 * @param rounds how many prompts come to each invocation; 4 or more
 */
export async function checkPlanner(rounds: number, latencySpread: number, throttle: number): Promise<Check> {
  // Twice as many as Lambda starts with.
  const [maximumConcurrency, latency] = [2 * FIRST_INVOCATIONS, 3];
  const prompts = rounds * maximumConcurrency;
  const random = stream("planner");
  const drawn = Array.from({ length: prompts }, () => drawModelTime(random, latency, latencySpread));
  // Few draws: their mean is brought to that of the distribution.
  const call = latency * Math.exp(latencySpread ** 2 / 2);
  const modelMs = drawn.map((time) => (1000 * time * call) / mean(drawn));
  const load = { sentAt: drawn.map(() => 0), modelMs, concurrency: maximumConcurrency, throttle };
  const { arrivals } = await paintLoad(load);
  const sorted = arrivals.toSorted((a, b) => a - b);
  const at = (picture: number) => (sorted[picture - 1] ?? 0) / 1000;
  const half = prompts / 2;
  const between = (at(half) - at(maximumConcurrency)) / (half - maximumConcurrency);
  // A throttled invocation ends at once, and makes room for the next one.
  const beside = Math.max(0, between * maximumConcurrency - call);
  const first = Array.from({ length: FIRST_INVOCATIONS }, (_, prompt) => prompt);
  const cpuToStart = mean(first.map((prompt) => (arrivals[prompt] ?? 0) - (modelMs[prompt] ?? 0))) / 1000;
  const settings = await loadSettings("dev");
  const { thresholds } = derive(settings);
  const question: Question = {
    ...{
      prompts,
      within: 0,
      maximumConcurrency,
      thresholds,
      mostConcurrency: 1000,
      retention: 86_400,
      write: 0,
      seed: 0,
    },
    models: [{ id: "local", pricePerImageUsd: 1, latency, latencySpread, throttle, failures: 0 }],
    // All of one processor: what is measured is this machine's.
    consumer: { ...settings.consumer, memoryMb: 1769 },
    cpuPerPicture: beside,
    cpuToStart: Math.max(0, cpuToStart - beside),
  };
  // Which calls are throttled is luck: the plan is what comes out on average.
  const planned = Array.from({ length: SEEDS }, (_, seed) =>
    percentile(simulate({ ...question, seed }).finished, PART),
  );
  return { planned: mean(planned), real: percentile(arrivals, PART) / 1000 };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
