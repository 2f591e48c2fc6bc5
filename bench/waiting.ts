import { availableParallelism, loadavg } from "node:os";
import { setTimeout } from "node:timers/promises";
import { settings as dev } from "../config/environments/dev.ts";
import { stream } from "../local/model/painter/random.ts";
import { drawModelTime } from "./fake/model.ts";
import { type Load, type Painted, paintLoad } from "./load.ts";
import { CannotMeasureError, type Part, percentile, type Row } from "./table.ts";
import { wayNames } from "./ways.ts";

const CONCURRENCY = 50;
const MEDIAN_MS = 10_000;
const AT_ONCE = 1000;
const SINGLE = 11;
/** Part of the processors that others may use while it is measured. */
const BUSIEST = 0.5;
/** A picture that always took the model longer than its timeout would never be painted. A fifth is left for the rest. */
const LONGEST_MODEL_MS = 0.8 * dev.consumer.modelTimeoutSeconds * 1000;
/** Between the starts of loads that run side by side, in milliseconds: fifty processes of the function start in it. */
const APART_MS = 20_000;

/** How long people wait for pictures that take the model different times. */
export const waiting: Part = {
  name: "waiting",
  quick: false,
  async run() {
    const [load = 0] = loadavg();
    // What is measured would be how busy the machine is, not how long painting takes.
    if (load > BUSIEST * availableParallelism()) {
      throw new CannotMeasureError(
        `other programs keep this machine busy (load ${load}); try again when it is idle`,
      );
    }
    const makespans = await sideBySide([
      () => measureMakespan(0.25, 0, 1.05),
      () => measureMakespan(0.5, 0, 1.05),
      () => measureMakespan(0.5, 0.1, 1.12),
    ]);
    const steady = await sideBySide([
      () => measureSteadyLoad(0.25),
      ...LOADS.map((load) => () => compareWays(load)),
    ]);
    return [...makespans, ...steady, await measureSinglePrompts()].flat();
  },
};

/** They sleep, nearly all of the time, while the model works. Where one fails, the others come to their end first. */
async function sideBySide<T>(measurements: readonly (() => Promise<T>)[]): Promise<T[]> {
  const underWay = measurements.map(async (measure, index) => {
    await setTimeout(index * APART_MS);
    return await measure();
  });
  await Promise.allSettled(underWay);
  return await Promise.all(underWay);
}

async function measureMakespan(spread: number, throttle: number, target: number): Promise<Row> {
  const load = drawLoad(AT_ONCE, spread, Number.POSITIVE_INFINITY);
  const { arrivals } = await paintLoad({ ...load, throttle });
  return {
    what: `makespan of ${AT_ONCE} prompts at once, spread ${spread}, ${throttle * 100} % throttled`,
    against: `the list schedule of the same times, ${CONCURRENCY} at once`,
    unit: "×",
    values: [Math.max(...arrivals) / Math.max(...listSchedule(load).arrivals)],
    target,
  };
}

/** The part of the model's limit that the steady load takes, and its prompts. */
const STEADY = { name: "75 % of the limit", prompts: 250, utilisation: 0.75 };

async function measureSteadyLoad(spread: number): Promise<Row[]> {
  const load = drawLoad(STEADY.prompts, spread, STEADY.utilisation);
  return compareSteadyLoad(load, spread, (await paintLoad(load)).waits);
}

function compareSteadyLoad(load: Load, spread: number, waits: readonly number[]): Row[] {
  const schedule = listSchedule(load);
  return [0.5, 0.95].flatMap((share): Row[] => {
    const what = `time to image, ${STEADY.name}, spread ${spread}: p${share * 100}`;
    const ours = percentile(waits, share);
    const model = percentile(load.modelMs, share);
    const best = percentile(schedule.waits, share);
    return [
      { what, against: "the model alone", unit: "×", values: [ours / model], target: 1.15 },
      { what, against: "the list schedule of the same times", unit: "×", values: [ours / best] },
    ];
  });
}

/** The widest of the spreads that are measured. */
const SPREAD = 0.5;

/** The loads under which the ways are compared, at the widest spread. */
const LOADS = [
  { name: "200 at once", prompts: 200, utilisation: Number.POSITIVE_INFINITY },
  STEADY,
  { name: "half of the limit", prompts: 150, utilisation: 0.5 },
  { name: "one in twenty of the limit", prompts: 15, utilisation: 0.05 },
];

/** The same prompts, at the same time, to the same consumer behind each way, and to the list schedule. */
async function compareWays({ name, prompts, utilisation }: (typeof LOADS)[number]): Promise<Row[]> {
  const load = drawLoad(prompts, SPREAD, utilisation);
  const painted = await Promise.all(wayNames.map(async (way) => ({ way, ...(await paintLoad(load, way)) })));
  const rows = [{ way: "the list schedule", ...listSchedule(load) }, ...painted].flatMap(
    ({ way, arrivals, waits }): Row[] => {
      const row = (what: string, value: number): Row => ({
        ...{ what: `${name}: ${what}`, against: "", way, unit: "s", values: [value / 1000] },
      });
      if (!Number.isFinite(utilisation)) return [row("the last picture", Math.max(...arrivals))];
      return [row("p50", percentile(waits, 0.5)), row("p95", percentile(waits, 0.95))];
    },
  );
  const ours = painted.find(({ way }) => way === "one prompt an invocation");
  if (name !== STEADY.name || ours === undefined) return rows;
  return [...rows, ...compareSteadyLoad(load, SPREAD, ours.waits)];
}

/** One prompt after the other, each to a pipeline that is idle; the first one warms it. */
async function measureSinglePrompts(): Promise<Row> {
  const modelMs = 1000;
  const times = Array.from({ length: SINGLE }, () => modelMs);
  const load = { sentAt: times.map((time, index) => 2 * time * index), modelMs: times };
  const { waits } = await paintLoad({ ...load, concurrency: 2, throttle: 0 });
  return {
    what: "time to image of a prompt to an idle, warm pipeline",
    against: "above the model's",
    unit: "ms",
    values: waits.slice(1).map((wait) => wait - modelMs),
    target: 150,
  };
}

/**
 * Prompts at random moments, the same for everything that is compared.
 * @param utilisation the part of the model's limit that they take; infinite: they come all at once
 */
function drawLoad(prompts: number, spread: number, utilisation: number): Load {
  const random = stream(`waiting ${spread}`);
  const modelMs = Array.from({ length: prompts }, () =>
    Math.min(LONGEST_MODEL_MS, drawModelTime(random, MEDIAN_MS, spread)),
  );
  const between = modelMs.reduce((sum, time) => sum + time, 0) / prompts / (utilisation * CONCURRENCY);
  let now = 0;
  const sentAt = modelMs.map(() => {
    now -= between * Math.log(1 - random());
    return now;
  });
  return { sentAt, modelMs, concurrency: CONCURRENCY, throttle: 0 };
}

/** No call is ever idle while a prompt waits, and nothing but the model takes time: prompts start in the order sent. */
export function listSchedule({ sentAt, modelMs, concurrency }: Omit<Load, "throttle">): Painted {
  const freeAt = Array.from({ length: concurrency }, () => 0);
  const arrivals = sentAt.map((sent, prompt) => {
    const first = freeAt.indexOf(Math.min(...freeAt));
    const there = Math.max(sent, freeAt[first] ?? 0) + (modelMs[prompt] ?? 0);
    freeAt[first] = there;
    return there;
  });
  return { arrivals, waits: arrivals.map((there, prompt) => there - (sentAt[prompt] ?? 0)) };
}
