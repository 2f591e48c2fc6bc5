import { crc32, deflateSync } from "node:zlib";

const software = "Couch Explorers stand-in painter";
const description =
  "A stand-in drawn by a program from the words of a prompt, for running Couch Explorers locally. " +
  "It was not made by an image model.";

/** The JPEG with a comment that it is a stand-in. */
export function withStandInComment(jpeg: Buffer): Buffer {
  const text = Buffer.from(`${software}. ${description}`, "latin1");
  const segment = Buffer.from([0xff, 0xfe, 0, 0]);
  segment.writeUInt16BE(text.length + 2, 2);
  const startOfImage = 2;
  return Buffer.concat([jpeg.subarray(0, startOfImage), segment, text, jpeg.subarray(startOfImage)]);
}

/**
 * Encodes opaque RGBA pixels as a PNG whose text chunks say that it is a stand-in.
 * Grainy pictures hardly compress, so the fastest level costs few bytes and saves most of the painting time.
 */
export function encodePng(pixels: Uint8ClampedArray, width: number, height: number): Buffer {
  // 8 bits a channel, RGB.
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("tEXt", Buffer.from(`Software\0${software}`, "latin1")),
    chunk("tEXt", Buffer.from(`Description\0${description}`, "latin1")),
    chunk("IDAT", deflateSync(filtered(pixels, width, height), { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.alloc(4), Buffer.from(type, "latin1"), data, Buffer.alloc(4)]);
  body.writeUInt32BE(data.length);
  body.writeUInt32BE(crc32(body.subarray(4, -4)), body.length - 4);
  return body;
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
