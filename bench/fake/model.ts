import type { Random } from "../../local/model/painter/random.ts";

/** The signature of a PNG, then bytes that do not repeat. */
export function makePicture(bytes: number): Buffer {
  const picture = Buffer.alloc(bytes);
  for (let index = 0, state = 1; index < bytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    picture[index] = state >>> 24;
  }
  picture.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return picture;
}

/**
 * A model's time for a picture: log-normal, in the unit of the median.
 * @param spread the standard deviation of the logarithm; 0: always the median
 */
export function drawModelTime(random: Random, median: number, spread: number): number {
  if (spread === 0) return median;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(spread * normal);
}
