import { z } from "zod";
import { LAMBDA_GB_SECOND } from "./capacity/cost.ts";
import { MB_PER_PROCESSOR } from "./capacity/simulate.ts";

/** What the sizes follow from; `bench/measured.json`. */
export const measuredSchema = z.object({
  /** Processor time to load the consumer, in milliseconds. */
  startMs: z.number(),
  /** Processor time for a picture in a batch of ten, in milliseconds. */
  pictureMs: z.number(),
  /** Memory at its peak with ten pictures at once, in megabytes. */
  peakMb: z.number(),
});

export interface Size {
  readonly memoryMb: number;
  readonly batchSize: number;
  /** What Lambda bills for a picture, in US dollars. */
  readonly usdPerPicture: number;
  /** The least memory that each rule asks for. */
  readonly rules: readonly { readonly rule: string; readonly memoryMb: number }[];
}

/** The model's usual time for a picture, in seconds, and how much longer a batch may take than it. */
const LATENCY = 10;
const LONGEST_WORK = 0.03 * LATENCY;
/** What SQS hands out at once without waiting for a window; also what shares the billed time most. */
const BATCH = 10;
const STEP_MB = 64;

/** The cheapest size: the least memory that every rule allows, for the largest batch. */
export function rightSize({ pictureMs, peakMb }: z.output<typeof measuredSchema>): Size {
  const rules = [
    { rule: "a third of the memory stays free", memoryMb: peakMb * 1.5 },
    {
      rule: `the work on ${BATCH} pictures takes at most ${LONGEST_WORK} s, 3 % of the model's ${LATENCY} s`,
      memoryMb: (((pictureMs / 1000) * BATCH) / LONGEST_WORK) * MB_PER_PROCESSOR,
    },
  ].map(({ rule, memoryMb }) => ({ rule, memoryMb: Math.ceil(memoryMb / STEP_MB) * STEP_MB }));
  const memoryMb = Math.max(...rules.map((rule) => rule.memoryMb));
  return {
    memoryMb,
    batchSize: BATCH,
    usdPerPicture: ((memoryMb / 1024) * (LATENCY + LONGEST_WORK) * LAMBDA_GB_SECOND) / BATCH,
    rules,
  };
}

export function describeSize({ memoryMb, batchSize, usdPerPicture, rules }: Size): string {
  return [
    `**${memoryMb} MB and batches of ${batchSize}**: $${usdPerPicture.toPrecision(2)} of Lambda for a picture.`,
    "",
    ...rules.map(({ rule, memoryMb: least }) => `- ${rule}: at least ${least} MB`),
  ].join("\n");
}
