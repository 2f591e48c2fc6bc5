const software = "Couch Explorers stand-in painter";
const description =
  "A stand-in drawn by a program from the words of a prompt, for running Couch Explorers locally. " +
  "It was not made by an image model.";
const startOfImageLength = 2;

/** What a PNG stand-in says about itself. */
export const standInTexts = { Software: software, Description: description };

/** The JPEG with a comment that it is a stand-in. */
export function withStandInComment(jpeg: Buffer): Buffer {
  const text = Buffer.from(`${software}. ${description}`, "latin1");
  const segment = Buffer.from([0xff, 0xfe, 0, 0]);
  segment.writeUInt16BE(text.length + 2, 2);
  return Buffer.concat([
    jpeg.subarray(0, startOfImageLength),
    segment,
    text,
    jpeg.subarray(startOfImageLength),
  ]);
}
