import { encodeChunk } from "../../functions/domain/picture-mark.ts";
import type { Random } from "../../local/model/painter/random.ts";

/** A PNG of about this size, with bytes that do not repeat where its pixels belong. */
export function makePicture(bytes: number): Buffer {
  const pixels = Buffer.alloc(bytes);
  for (let index = 0, state = 1; index < bytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    pixels[index] = state >>> 24;
  }
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    ...[
      encodeChunk("IHDR", Buffer.alloc(13)),
      encodeChunk("IDAT", pixels),
      encodeChunk("IEND", Buffer.alloc(0)),
    ],
  ]);
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
