import { crc32, deflateSync } from "node:zlib";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const trueColour = [8, 2, 0, 0, 0];
const differenceFromLineAbove = 2;
const fastest = 1;

/**
 * Encodes opaque RGBA pixels as a PNG with text chunks.
 * Grainy pictures hardly compress, so the fastest level costs few bytes and saves most of the painting time.
 */
export function encodePng(
  pixels: Uint8ClampedArray,
  width: number,
  height: number,
  texts: Readonly<Record<string, string>>,
): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, ...trueColour]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    ...Object.entries(texts).map(([keyword, text]) =>
      chunk("tEXt", Buffer.from(`${keyword}\0${text}`, "latin1")),
    ),
    chunk("IDAT", deflateSync(filtered(pixels, width, height), { level: fastest })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

function filtered(pixels: Uint8ClampedArray, width: number, height: number): Buffer {
  const lines = Buffer.alloc((width * 3 + 1) * height);
  const above = width * 4;
  let to = 0;
  let from = 0;
  for (let y = 0; y < height; y++) {
    lines[to++] = differenceFromLineAbove;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        lines[to++] = (pixels[from + channel] ?? 0) - (pixels[from + channel - above] ?? 0);
      }
      from += 4;
    }
  }
  return lines;
}
