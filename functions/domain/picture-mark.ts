import { crc32 } from "node:zlib";
import type { OutputFormat } from "./request-limits.ts";

/** The IPTC term for a picture that was made by a trained model: https://cv.iptc.org/newscodes/digitalsourcetype/ */
const MADE_BY_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

const PNG_SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");
/** The keyword of the text chunk, then: not compressed, no language, no translated keyword. */
const PNG_XMP = Buffer.from("XML:com.adobe.xmp\0\0\0\0\0", "latin1");
const JPEG_XMP = Buffer.from("http://ns.adobe.com/xap/1.0/\0", "latin1");
/** Where a JPEG's first segment begins, in bytes. */
const START_OF_JPEG = 2;

/** A part of a picture's head: a chunk of a PNG, or a segment of a JPEG. */
interface Part {
  readonly type: string;
  readonly data: Buffer;
  readonly start: number;
  readonly end: number;
}

interface Format {
  /** The parts before the pixels; undefined where the bytes are not of this format. */
  readParts(picture: Buffer): Part[] | undefined;
  /** Holds a signed manifest: every change of the file would break its signature. https://c2pa.org */
  isManifest(part: Part): boolean;
  /** The part that has to come before XMP. */
  readonly first: string;
  readonly xmpType: string;
  readonly xmpPrefix: Buffer;
  encode(type: string, data: Buffer): Buffer;
}

const FORMATS: Readonly<Record<OutputFormat, Format>> = {
  png: {
    readParts: readChunks,
    isManifest: ({ type }) => type === "caBX",
    first: "IHDR",
    xmpType: "iTXt",
    xmpPrefix: PNG_XMP,
    encode: encodeChunk,
  },
  jpeg: {
    readParts: readSegments,
    isManifest: ({ type, data }) => type === "eb" && data.toString("latin1", 0, 2) === "JP",
    first: "e0",
    xmpType: "e1",
    xmpPrefix: JPEG_XMP,
    encode: encodeSegment,
  },
};

/** Whether the head of a file is that of a picture in this format. */
export function hasFormat(bytes: Uint8Array, format: OutputFormat): boolean {
  return FORMATS[format].readParts(asBuffer(bytes)) !== undefined;
}

/**
 * The picture with XMP that says that a model made it, which, when, and for which request: no prompt, and no person.
 * What the model's own XMP says stands. A picture with a signed manifest is returned unchanged.
 */
export function markPicture(
  bytes: Uint8Array,
  format: OutputFormat,
  made: { readonly requestId: string; readonly model: string; readonly at: Date },
): Buffer {
  return addXmp(bytes, format, {
    "Iptc4xmpExt:DigitalSourceType": MADE_BY_MODEL,
    "Iptc4xmpExt:AISystemUsed": made.model,
    "xmp:CreatorTool": "Couch Explorers",
    "xmp:CreateDate": made.at.toISOString(),
    "dc:identifier": made.requestId,
  });
}

/** The picture with these properties in its XMP. Those that it has already stand. */
export function addXmp(
  bytes: Uint8Array,
  format: OutputFormat,
  properties: Readonly<Record<string, string>>,
): Buffer {
  const split = splitAtXmp(bytes, format);
  if (split === undefined) return asBuffer(bytes);
  const { xmpType, xmpPrefix, encode } = FORMATS[format];
  const packet = writePacket(properties, split.xmp);
  const xmp = encode(xmpType, Buffer.concat([xmpPrefix, Buffer.from(packet)]));
  return Buffer.concat([split.before, xmp, split.after]);
}

/** A picture without its XMP. Undefined where it is of another format, or where a signature forbids every change. */
export function splitAtXmp(bytes: Uint8Array, format: OutputFormat) {
  const picture = asBuffer(bytes);
  const { readParts, isManifest, first, xmpType, xmpPrefix } = FORMATS[format];
  const parts = readParts(picture);
  if (parts === undefined || parts.some(isManifest)) return undefined;
  const old = parts.find(
    ({ type, data }) => type === xmpType && data.subarray(0, xmpPrefix.length).equals(xmpPrefix),
  );
  const start = old?.start ?? parts.findLast(({ type }) => type === first)?.end ?? START_OF_JPEG;
  return {
    before: picture.subarray(0, start),
    xmp: old?.data.toString("utf8", xmpPrefix.length),
    after: picture.subarray(old?.end ?? start),
  };
}

const END_OF_RDF = "</rdf:RDF>";
/** XMP in a JPEG has to fit into one segment, ours included. In characters. */
const LONGEST_KEPT_XMP = 20_000;

function writePacket(properties: Readonly<Record<string, string>>, old = ""): string {
  const isKept = old.includes(END_OF_RDF) && old.length <= LONGEST_KEPT_XMP;
  const attributes = Object.entries(properties)
    .filter(([name]) => !(isKept && old.includes(name)))
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`);
  if (attributes.length === 0) return old;
  const description =
    `<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"` +
    ` xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"${attributes.join("")}/>`;
  if (isKept) return old.replace(END_OF_RDF, () => `${description}${END_OF_RDF}`);
  return (
    `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">` +
    `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">${description}${END_OF_RDF}` +
    `</x:xmpmeta><?xpacket end="w"?>`
  );
}

function escapeXml(text: string): string {
  return text.replaceAll(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** https://www.w3.org/TR/png-3/#5Chunk-layout */
function readChunks(picture: Buffer): Part[] | undefined {
  if (!picture.subarray(0, 8).equals(PNG_SIGNATURE)) return undefined;
  const parts: Part[] = [];
  for (let start = 8; ; ) {
    if (start + 12 > picture.length) return undefined;
    const type = picture.toString("latin1", start + 4, start + 8);
    const end = start + 12 + picture.readUInt32BE(start);
    if (parts.length === 0 && type !== "IHDR") return undefined;
    if (type === "IDAT" || type === "IEND") return parts;
    parts.push({ type, data: picture.subarray(start + 8, end - 4), start, end });
    start = end;
  }
}

/** A chunk of a PNG, with its checksum. */
export function encodeChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.concat([Buffer.alloc(4), Buffer.from(type, "latin1"), data, Buffer.alloc(4)]);
  chunk.writeUInt32BE(data.length);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
  return chunk;
}

/** The markers that begin the description of the pixels: frames, tables, scan. https://www.w3.org/Graphics/JPEG/itu-t81.pdf */
const PIXELS = /^(c|d)/;

function readSegments(picture: Buffer): Part[] | undefined {
  if (picture.toString("hex", 0, 3) !== "ffd8ff") return undefined;
  const parts: Part[] = [];
  for (let start = START_OF_JPEG; ; ) {
    if (start + 4 > picture.length || picture[start] !== 0xff) return undefined;
    const type = picture.toString("hex", start + 1, start + 2);
    if (PIXELS.test(type)) return parts;
    const end = start + 2 + picture.readUInt16BE(start + 2);
    parts.push({ type, data: picture.subarray(start + 4, end), start, end });
    start = end;
  }
}

function encodeSegment(type: string, data: Buffer): Buffer {
  const head = Buffer.from(`ff${type}0000`, "hex");
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}
