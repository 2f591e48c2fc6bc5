import { z } from "zod";
import { FEWEST_INVOCATIONS, maximumConcurrency } from "../config/derived.ts";
import { environmentNames, loadSettings } from "../config/load.ts";
import { SECONDS_PER_PICTURE } from "../functions/domain/timing.ts";
import { LAMBDA_GB_SECOND } from "./capacity/cost.ts";
import { MB_PER_PROCESSOR } from "./capacity/invocation.ts";

/** What the sizes follow from; `bench/measured.json`. */
export const measuredSchema = z.object({
  /** Processor time to load the consumer, in milliseconds. */
  startMs: z.number(),
  /** Processor time for a picture in a batch of ten, in milliseconds. */
  pictureMs: z.number(),
  /** Memory at its peak with ten pictures at once, in megabytes. */
  peakMb: z.number(),
});

export type Measured = z.output<typeof measuredSchema>;

export interface Size {
  readonly memoryMb: number;
  readonly batchSize: number;
  /** Batches at once, so that the model's limit is kept. */
  readonly invocations: number;
  /** What Lambda bills for a picture, in US dollars. */
  readonly usdPerPicture: number;
}

/** How much longer a batch may take than the model, in seconds. */
const LONGEST_WORK = 0.03 * SECONDS_PER_PICTURE;
/** Part of the memory that stays free. */
const SPARE = 1 / 3;
/** Part of the model's limit that may stay unused for a larger batch. */
const UNUSED = 0.1;
/** What SQS hands out at once without waiting for a window. */
const LARGEST_BATCH = 10;
const STEP_MB = 64;

/**
 * The cheapest size for a model's limit: the largest batch, because a batch shares one invocation's wait, and the least
 * memory that leaves a third of it free and enough of a processor for the batch's work.
 * @param modelConcurrency calls at once that the first model takes; {@link FEWEST_INVOCATIONS} or more
 */
export function rightSize({ pictureMs, peakMb }: Measured, modelConcurrency: number): Size {
  const batchSizes = Array.from({ length: LARGEST_BATCH }, (_, index) => LARGEST_BATCH - index);
  const batchSize = batchSizes.find((size) => {
    const invocations = maximumConcurrency(modelConcurrency, size);
    return invocations >= FEWEST_INVOCATIONS && invocations * size >= (1 - UNUSED) * modelConcurrency;
  });
  if (batchSize === undefined) throw new Error(`no batch keeps a limit of ${modelConcurrency} calls at once`);
  const least = Math.max(
    peakMb / (1 - SPARE),
    (((pictureMs / 1000) * batchSize) / LONGEST_WORK) * MB_PER_PROCESSOR,
  );
  const memoryMb = Math.ceil(least / STEP_MB) * STEP_MB;
  return {
    memoryMb,
    batchSize,
    invocations: maximumConcurrency(modelConcurrency, batchSize),
    usdPerPicture: ((memoryMb / 1024) * (SECONDS_PER_PICTURE + LONGEST_WORK) * LAMBDA_GB_SECOND) / batchSize,
  };
}

/** The table in `docs/performance.md`: the right size for the first model of each environment. */
export async function describeSizes(measured: Measured): Promise<string> {
  const rows = environmentNames().map(async (name) => {
    const [first] = (await loadSettings(name)).models;
    const limit = first?.concurrency ?? 0;
    const { memoryMb, batchSize, invocations, usdPerPicture } = rightSize(measured, limit);
    return `| ${name} | ${limit} calls at once | ${memoryMb} MB | ${batchSize} | ${invocations} | $${usdPerPicture.toPrecision(2)} |`;
  });
  return [
    "| environment | the model's limit | memory | batch | batches at once | Lambda for a picture |",
    "|---|---|---|---|---|---|",
    ...(await Promise.all(rows)),
  ].join("\n");
}
