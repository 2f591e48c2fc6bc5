import * as z from "zod/mini";
import type { Reason } from "../domain/record.ts";
import { type OutputFormat, returnedSeedSchema } from "../domain/request.ts";

/** What one call of a model came to. */
export type ModelAnswer =
  | { readonly kind: "painted"; readonly bytes: Uint8Array; readonly seed: number; readonly modelMs: number }
  /** The filter blocks the prompt: no model will ever paint it. */
  | { readonly kind: "refused"; readonly reason: Reason }
  /** The filter holds the picture back, and it may be paid. With another seed it may pass. */
  | { readonly kind: "withheld"; readonly reason: Reason }
  /** The model did no work: it is throttled, or not there for the moment. */
  | { readonly kind: "busy"; readonly reason: Reason }
  /** The call failed. `mayBePaid`: the model may have painted, without us getting the picture. */
  | { readonly kind: "failed"; readonly reason: Reason; readonly mayBePaid: boolean }
  /** Nobody may call this model, or it does not exist (any more): somebody has to change something. */
  | { readonly kind: "unusable"; readonly reason: Reason };

const answerSchema = z.object({
  // The picture beside it is paid: no seed may spoil it.
  seeds: z.catch(z.array(returnedSeedSchema), []),
  finish_reasons: z.optional(z.array(z.nullable(z.string()))),
  images: z.optional(z.array(z.string())),
});

/**
 * Reads what a model answered with HTTP 200.
 * @param askedSeed stands in where the answer has no seed, or one that is none
 * @param modelMs how long the model took, in milliseconds
 */
export function readAnswer(body: Uint8Array, askedSeed: number, modelMs: number): ModelAnswer {
  const { rest, base64 } = takeOutPicture(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  let json: unknown;
  try {
    json = JSON.parse(rest);
  } catch {
    return unreadable("the model's answer is not JSON");
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) return unreadable("the model's answer has not the form of one");
  const { seeds, finish_reasons: finishReasons, images } = parsed.data;
  const finish = finishReasons?.[0] ?? null;
  // A blocked prompt is answered with HTTP 200 and a reason, without a picture.
  if (finish?.startsWith("Filter reason")) {
    const kind = finish === "Filter reason: output image" ? "withheld" : "refused";
    return { kind, reason: { code: "ContentFilter", message: finish } };
  }
  if (finish !== null) {
    return { kind: "failed", reason: { code: "InferenceError", message: finish }, mayBePaid: false };
  }
  const image = images?.[0] === "" ? base64 : images?.[0];
  if (!image) return unreadable("the model's answer has no picture");
  const bytes = Buffer.from(image, "base64");
  return { kind: "painted", bytes, seed: seeds[0] ?? askedSeed, modelMs };
}

/** An answer that no picture can be had from. It counts as painted. */
function unreadable(message: string): ModelAnswer {
  return { kind: "failed", reason: { code: "UnreadableAnswer", message }, mayBePaid: true };
}

const IMAGES = '"images"';

/**
 * Takes the first picture out of an answer and leaves an empty text in its place. Parsed along with the rest, its
 * megabytes would be copied twice more, and the garbage collector would run for every other picture.
 */
function takeOutPicture(body: Buffer): { readonly rest: string; readonly base64: string } {
  const key = body.indexOf(IMAGES) + IMAGES.length;
  const open = body.indexOf('"', key) + 1;
  const close = body.indexOf('"', open);
  if (close < 0 || !/^\s*:\s*\[\s*"$/.test(body.toString("latin1", key, open))) {
    return { rest: body.toString(), base64: "" };
  }
  return {
    rest: body.toString("utf8", 0, open) + body.toString("utf8", close),
    base64: body.toString("latin1", open, close),
  };
}

const SIGNATURES: Readonly<Record<OutputFormat, Buffer>> = {
  png: Buffer.from("89504e470d0a1a0a", "hex"),
  jpeg: Buffer.from("ffd8ff", "hex"),
};

/** The same answer, unless its picture is of another format than its name and content type would say. */
export function requireFormat(answer: ModelAnswer, format: OutputFormat): ModelAnswer {
  const signature = SIGNATURES[format];
  const isAsAsked = answer.kind !== "painted" || signature.equals(answer.bytes.subarray(0, signature.length));
  return isAsAsked ? answer : unreadable(`what the model sent is no ${format.toUpperCase()}`);
}
