import { environmentNames, loadSettings } from "../config/load.ts";
import { models } from "../functions/domain/models.ts";
import { SECONDS_PER_PICTURE } from "../functions/domain/timing.ts";
import { LAMBDA_GB_SECOND } from "./capacity/answer.ts";
import { MB_PER_PROCESSOR } from "./capacity/simulate.ts";
import type { Measured } from "./table.ts";

/** How much longer an invocation may take than the model, in seconds. */
const LONGEST_WORK = 0.03 * SECONDS_PER_PICTURE;
/** Part of the memory that stays free. */
const SPARE = 1 / 3;
const STEP_MB = 64;

/**
 * What people wait for comes first, then the whole cost of a picture, which the model's price is nearly all of: the
 * least memory that leaves a third of it free and enough of a processor for one picture's work, and what Lambda
 * bills with it for a picture, in US dollars.
 */
export function rightSize({ pictureMs, peakMb }: Pick<Measured, "pictureMs" | "peakMb">) {
  const least = Math.max(peakMb / (1 - SPARE), (pictureMs / 1000 / LONGEST_WORK) * MB_PER_PROCESSOR);
  const memoryMb = Math.ceil(least / STEP_MB) * STEP_MB;
  const usdPerPicture = (memoryMb / 1024) * (SECONDS_PER_PICTURE + LONGEST_WORK) * LAMBDA_GB_SECOND;
  const cheapest = Math.min(...models.map(({ pricePerImageUsd }) => pricePerImageUsd));
  return { memoryMb, usdPerPicture, percentOfCost: (100 * usdPerPicture) / (cheapest + usdPerPicture) };
}

/** The table in `docs/performance.md`: the right size of each environment's consumer. */
export async function describeSizes(measured: Measured): Promise<string> {
  const { memoryMb, usdPerPicture, percentOfCost } = rightSize(measured);
  const rows = environmentNames().map(async (name) => {
    const { consumer } = await loadSettings(name);
    return `| ${name} | ${consumer.memoryMb} MB | ${memoryMb} MB | $${usdPerPicture.toPrecision(2)} | ${percentOfCost.toFixed(2)} % |`;
  });
  return [
    "| environment | memory | least memory | Lambda for a picture, at the least | of its cost |",
    "|---|---|---|---|---|",
    ...(await Promise.all(rows)),
  ].join("\n");
}
