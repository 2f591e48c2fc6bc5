import { availableParallelism, loadavg } from "node:os";
import { stream } from "../local/model/painter/random.ts";
import { drawModelTime } from "./fake/model.ts";
import { type Load, type Painted, paintLoad } from "./load.ts";
import { CannotMeasureError, type Part, percentile, type Row } from "./table.ts";

const CONCURRENCY = 50;
const MEDIAN_MS = 10_000;
const AT_ONCE = 1000;
const STEADY = 300;
/** Part of the model's limit that the steady load takes. */
const UTILISATION = 0.75;
const SINGLE = 11;
/** Part of the processors that others may use while it is measured. */
const BUSIEST = 0.5;

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
    // One after the other: each has fifty processes of the function.
    return [
      await measureMakespan(0.25, 0, 1.05),
      await measureMakespan(0.5, 0, 1.05),
      await measureMakespan(0.5, 0.1, 1.12),
      ...(await measureSteadyLoad(0.25)),
      ...(await measureSteadyLoad(0.5)),
      await measureSinglePrompts(),
    ];
  },
};

async function measureMakespan(spread: number, throttle: number, target: number): Promise<Row> {
  const load = {
    sentAt: Array.from({ length: AT_ONCE }, () => 0),
    modelMs: drawTimes(AT_ONCE, spread),
    concurrency: CONCURRENCY,
    throttle,
  };
  const { arrivals } = await paintLoad(load);
  return {
    what: `makespan of ${AT_ONCE} prompts at once, spread ${spread}, ${throttle * 100} % throttled`,
    against: `the list schedule of the same times, ${CONCURRENCY} at once`,
    unit: "×",
    values: [Math.max(...arrivals) / Math.max(...listSchedule(load).arrivals)],
    target,
  };
}

/** Prompts at random moments, as many as take three quarters of the limit. */
async function measureSteadyLoad(spread: number): Promise<Row[]> {
  const modelMs = drawTimes(STEADY, spread);
  const random = stream(`steady ${spread}`);
  const between = modelMs.reduce((sum, time) => sum + time, 0) / STEADY / (UTILISATION * CONCURRENCY);
  let now = 0;
  const sentAt = modelMs.map(() => {
    now -= between * Math.log(1 - random());
    return now;
  });
  const load = { sentAt, modelMs, concurrency: CONCURRENCY, throttle: 0 };
  const { waits } = await paintLoad(load);
  const schedule = listSchedule(load);
  return [0.5, 0.95].flatMap((share): Row[] => {
    const what = `time to image, ${UTILISATION * 100} % of the limit, spread ${spread}: p${share * 100}`;
    const ours = percentile(waits, share);
    const model = percentile(modelMs, share);
    const best = percentile(schedule.waits, share);
    return [
      { what, against: "the model alone", unit: "×", values: [ours / model], target: 1.15 },
      { what, against: "the list schedule of the same times", unit: "×", values: [ours / best] },
    ];
  });
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

/** The same times for everything that is compared. */
function drawTimes(count: number, spread: number): number[] {
  const random = stream(`waiting ${spread}`);
  return Array.from({ length: count }, () => drawModelTime(random, MEDIAN_MS, spread));
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
