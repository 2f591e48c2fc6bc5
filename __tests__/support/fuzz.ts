import fc from "fast-check";
import type { RequestRecord } from "../../functions/domain/record.ts";
import { parseRecord, UnreadableRecordError } from "../../functions/domain/record-store.ts";
import { askedRecord } from "./sample-request.ts";

/** What may stand in any field. */
export const anyValue = fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue());

/** JSON with the fields of a request, or one that none has, and anything in them. */
export const nearRequest = fc
  .record(
    {
      prompt: anyValue,
      requestId: anyValue,
      negativePrompt: anyValue,
      aspectRatio: anyValue,
      seed: fc.oneof(fc.double(), anyValue),
      outputFormat: anyValue,
      steps: anyValue,
    },
    { requiredKeys: [] },
  )
  .map((request) => JSON.stringify(request));

/** What a model may call its seed, and a record may not. */
export const ODD_SEEDS = [4_294_967_295, -1, 1.5, 1e300, "-7", "1e3", "", null, true, {}] as const;

/** JSON with the fields of a model's answer, and anything in them. */
export const nearAnswer = fc
  .record(
    {
      seeds: anyValue,
      finish_reasons: fc.oneof(
        fc.constantFrom([null], ["Filter reason: prompt"], ["Inference error"]),
        anyValue,
      ),
      images: fc.oneof(fc.array(fc.base64String()), fc.array(fc.string()), anyValue),
    },
    { requiredKeys: [] },
  )
  .map((body) => JSON.stringify(body));

/** A text with a piece cut out or put in: a half-written or tampered one. */
export function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(text, fc.nat(), fc.nat(60), fc.string({ maxLength: 5 })).map(([whole, at, length, put]) => {
    const start = at % (whole.length + 1);
    return whole.slice(0, start) + put + whole.slice(start + length);
  });
}

const asked = askedRecord("one");
const timings = {
  queuedAt: "2026-01-01T00:00:00.000Z",
  startedAt: "2026-01-01T00:00:01.000Z",
  finishedAt: "2026-01-01T00:00:02.000Z",
  modelMs: 900,
};
const reason = { code: "Any", message: "any" };

/** A record of each kind, as it should be. */
export const SOUND_RECORDS: readonly RequestRecord[] = [
  { ...asked, status: "queued", timings },
  {
    ...asked,
    status: "generating",
    timings,
    lease: { owner: "somebody", expiresAt: "2026-01-01T00:02:30.000Z" },
  },
  { ...asked, status: "generating", timings, lease: null, reason },
  {
    ...asked,
    status: "succeeded",
    timings,
    model: "any",
    region: "us-west-2",
    costUsd: 0.04,
    image: { bucket: "any", key: "images/one.png", contentType: "image/png", bytes: 1, sha256: "00" },
  },
  { requestId: "one", status: "rejected", attempts: 1, codeVersion: "test", timings, reason, body: "K2" },
  { ...asked, status: "failed", timings, reason },
];

const tampered = fc
  .tuple(fc.constantFrom(...SOUND_RECORDS), fc.string(), anyValue, fc.nat())
  .map(([record, name, value, at]) => {
    const names = [...Object.keys(record), name];
    return JSON.stringify({ ...record, [names[at % names.length] ?? name]: value });
  });

/** The text of a record that somebody changed, or that was written by halves; now and then one that is sound. */
export const nearRecord = fc.oneof(
  damaged(fc.constantFrom(...SOUND_RECORDS).map((record) => JSON.stringify(record))),
  tampered,
  fc.json(),
  fc.string(),
);

/** What may be sent instead of a request. */
export const anyBody = fc.oneof(
  fc.string({ unit: "binary" }),
  nearRequest,
  damaged(nearRequest),
  fc.json(),
  // Ids that come again, in this batch and in others.
  fc
    .record({ requestId: fc.constantFrom("a", "b", "c"), prompt: fc.constantFrom("K2", "fjord", 7) })
    .map((request) => JSON.stringify(request)),
);

/** Whether a text is a record that the functions can read. */
export function isReadable(record: string): boolean {
  try {
    parseRecord("any", record);
    return true;
  } catch (error) {
    if (error instanceof UnreadableRecordError) return false;
    throw error;
  }
}
