import { deflateSync } from "node:zlib";
import { addXmp, encodeChunk } from "../../../functions/domain/picture-mark.ts";
import type { OutputFormat } from "../../../functions/domain/request-limits.ts";

/** The picture with XMP that says that it is a stand-in. */
export function markStandIn(picture: Uint8Array, format: OutputFormat): Buffer {
  return addXmp(picture, format, {
    "Iptc4xmpExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
    "Iptc4xmpExt:AISystemUsed":
      "Couch Explorers stand-in painter: a program that draws from the words of a prompt. Not an image model.",
  });
}

/**
 * Encodes opaque RGBA pixels as a PNG.
 * Grainy pictures hardly compress, so the fastest level costs few bytes and saves most of the painting time.
 */
export function encodePng(pixels: Uint8ClampedArray, width: number, height: number): Buffer {
  // 8 bits a channel, RGB.
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    encodeChunk("IHDR", header),
    encodeChunk("IDAT", deflateSync(filtered(pixels, width, height), { level: 1 })),
    encodeChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Each line as its difference from the line above. */
function filtered(pixels: Uint8ClampedArray, width: number, height: number): Buffer {
  const lines = Buffer.alloc((width * 3 + 1) * height);
  const above = width * 4;
  let [to, from] = [0, 0];
  for (let y = 0; y < height; y++) {
    lines[to++] = 2;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        lines[to++] = (pixels[from + channel] ?? 0) - (pixels[from + channel - above] ?? 0);
      }
      from += 4;
    }
  }
  return lines;
}
