/** What the text-to-image models of Stability AI share: request, answer, filter and limits. */
import * as z from "zod/mini";
import type { AskedRequest } from "../record.ts";
import { returnedSeedSchema } from "../request.ts";
import { ASPECT_RATIOS, MAX_PROMPT_LENGTH, OUTPUT_FORMATS } from "../request-limits.ts";
import { type ModelLimits, type PictureAnswer, unreadable } from "./contract.ts";

export const limits: ModelLimits = {
  promptLength: MAX_PROMPT_LENGTH,
  aspectRatios: ASPECT_RATIOS,
  outputFormats: OUTPUT_FORMATS,
};

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-diffusion-stable-image-core-text-image-request-response.html */
export function writeRequest(asked: AskedRequest): object {
  return {
    prompt: asked.prompt,
    negative_prompt: asked.negativePrompt,
    aspect_ratio: asked.aspectRatio,
    seed: asked.seed,
    output_format: asked.outputFormat,
  };
}

const answerSchema = z.object({
  // The picture beside it is paid: no seed may spoil it.
  seeds: z.catch(z.array(returnedSeedSchema), []),
  finish_reasons: z.optional(z.array(z.nullable(z.string()))),
  images: z.optional(z.array(z.string())),
});

export function readAnswer(body: Buffer, askedSeed: number): PictureAnswer {
  const { rest, base64 } = takeOutPicture(body);
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
  return { kind: "painted", bytes, seed: seeds[0] ?? askedSeed };
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
