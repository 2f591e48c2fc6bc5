import { createHash } from "node:crypto";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import exifr from "exifr";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addXmp, encodeChunk, hasFormat, markPicture } from "../functions/domain/picture-mark.ts";

const canvas = createCanvas(64, 48);
const context = canvas.getContext("2d");
context.fillStyle = "teal";
context.fillRect(9, 9, 30, 20);
const PICTURES = { png: canvas.toBuffer("image/png"), jpeg: canvas.toBuffer("image/jpeg") };

const MADE = { requestId: "k2", model: "maker.model-v1:0", at: new Date("2026-11-25T10:00:00.000Z") };
const SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

async function pixels(picture: Buffer): Promise<string> {
  const { width, height } = canvas;
  const copy = createCanvas(width, height).getContext("2d");
  copy.drawImage(await loadImage(picture), 0, 0);
  return createHash("sha256")
    .update(copy.getImageData(0, 0, width, height).data)
    .digest("hex");
}

/** A copy of the picture with a chunk or a segment behind its first one, as a signed manifest stands there. */
function withManifest(format: "png" | "jpeg"): Buffer {
  const picture = PICTURES[format];
  // Of a PNG, the signature and IHDR; of a JPEG, its first marker.
  const head = format === "png" ? 33 : 2;
  const manifest =
    format === "png" ? encodeChunk("caBX", Buffer.from("jumb")) : Buffer.from("ffeb0008", "hex");
  const content = format === "png" ? Buffer.alloc(0) : Buffer.from("JPjumb");
  return Buffer.concat([picture.subarray(0, head), manifest, content, picture.subarray(head)]);
}

describe.each(["png", "jpeg"] as const)("the mark of a %s", (format) => {
  it("is read by another program's reader", async () => {
    expect(await exifr.parse(markPicture(PICTURES[format], format, MADE), { xmp: true })).toMatchObject({
      DigitalSourceType: SOURCE,
      AISystemUsed: "maker.model-v1:0",
      CreatorTool: "Couch Explorers",
      CreateDate: "2026-11-25T10:00:00.000Z",
      identifier: "k2",
    });
  });

  it("leaves the pixels as they are", async () => {
    expect(await pixels(markPicture(PICTURES[format], format, MADE))).toBe(await pixels(PICTURES[format]));
  });

  it("leaves what the model says of the picture, and adds what it does not say", async () => {
    const told = { "Iptc4xmpExt:DigitalSourceType": "urn:of-the-model", "dc:rights": "$& <none>" };
    const marked = markPicture(addXmp(PICTURES[format], format, told), format, MADE);
    expect(await exifr.parse(marked, { xmp: true })).toMatchObject({
      DigitalSourceType: "urn:of-the-model",
      rights: expect.stringContaining("none"),
      AISystemUsed: "maker.model-v1:0",
      identifier: "k2",
    });
    expect(marked.toString("latin1").split("<x:xmpmeta")).toHaveLength(2);
  });

  it("replaces XMP of the model that leaves no room for it", async () => {
    const told = { "dc:rights": "x".repeat(60_000) };
    const marked = markPicture(addXmp(PICTURES[format], format, told), format, MADE);
    expect(await exifr.parse(marked, { xmp: true })).toMatchObject({ DigitalSourceType: SOURCE });
  });

  it("is not put into a signed picture, whose signature it would break", () => {
    const signed = withManifest(format);
    expect(markPicture(signed, format, MADE)).toEqual(signed);
  });

  it("is put into a picture once", () => {
    const once = markPicture(PICTURES[format], format, MADE);
    expect(markPicture(once, format, { ...MADE, requestId: "another" })).toEqual(once);
  });

  it("takes any bytes, cut off and damaged ones too, and keeps those that are not a picture", () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.nat(PICTURES[format].length).map((length) => PICTURES[format].subarray(0, length)),
      fc.tuple(fc.nat(200), fc.nat(255)).map(([at, value]) => {
        const damaged = Buffer.from(PICTURES[format]);
        damaged[at] = value;
        return damaged;
      }),
    );
    fc.assert(
      fc.property(bytes, (picture) => {
        const marked = markPicture(picture, format, MADE);
        if (hasFormat(picture, format)) expect(marked.length).toBeGreaterThan(picture.length);
        else expect(marked).toEqual(Buffer.from(picture));
      }),
    );
  });
});
