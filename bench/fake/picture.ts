/** The size of a picture of 1024 × 1024 as PNG, in bytes. */
const PICTURE_BYTES = 1_400_000;

/** A picture as large as a model's. */
export const PICTURE = makePicture(PICTURE_BYTES);

/** What a model answers for a picture of 1.4 MB, as JSON. */
export const MODEL_ANSWER = Buffer.from(
  JSON.stringify({ seeds: [1], finish_reasons: [null], images: [PICTURE.toString("base64")] }),
);

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
