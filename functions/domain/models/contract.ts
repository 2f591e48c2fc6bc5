import type { AskedRequest, Reason } from "../record.ts";
import type { AspectRatio, OutputFormat } from "../request-limits.ts";

/**
 * All that the project knows of one text-to-image model on Amazon Bedrock. A model is one file in this folder and its
 * name in the catalogue, `functions/domain/models.ts`: nothing else asks which model it is.
 */
export interface Model {
  /** The id that Bedrock calls it by. */
  readonly id: string;
  /** The only regions that serve it on demand. The first is the default. */
  readonly regions: readonly [string, ...string[]];
  /** US dollars for one picture, on demand. Source: https://aws.amazon.com/bedrock/pricing/ */
  readonly pricePerImageUsd: number;
  /** The day on which AWS stops serving it, as soon as AWS has announced one (`YYYY-MM-DD`). */
  readonly endOfLife?: string;
  /** What it can be asked for. A request beyond them is not sent to it. */
  readonly limits: ModelLimits;
  /** Writes the body of InvokeModel, for one picture. */
  writeRequest(asked: AskedRequest): object;
  /**
   * Reads the body of an answer with HTTP 200. Never throws.
   * @param askedSeed stands in where the answer has no seed, or one that is none
   */
  readAnswer(body: Buffer, askedSeed: number): PictureAnswer;
}

export interface ModelLimits {
  /** The longest prompt, in UTF-16 code units. */
  readonly promptLength: number;
  readonly aspectRatios: readonly AspectRatio[];
  readonly outputFormats: readonly OutputFormat[];
}

/** What an answer with HTTP 200 says. */
export type PictureAnswer =
  | { readonly kind: "painted"; readonly bytes: Uint8Array; readonly seed: number }
  /** The filter blocks the prompt: no model will ever paint it. */
  | { readonly kind: "refused"; readonly reason: Reason }
  /** The filter holds the picture back, and it may be paid. With another seed it may pass. */
  | { readonly kind: "withheld"; readonly reason: Reason }
  /** The call failed. `mayBePaid`: the model may have painted, without us getting the picture. */
  | { readonly kind: "failed"; readonly reason: Reason; readonly mayBePaid: boolean };

/** An answer that no picture can be had from. It counts as painted. */
export function unreadable(message: string): PictureAnswer {
  return { kind: "failed", reason: { code: "UnreadableAnswer", message }, mayBePaid: true };
}

/** What a request asks for beyond a model's limits; undefined if it fits. */
export function exceededLimit(asked: AskedRequest, limits: ModelLimits): string | undefined {
  const { prompt, negativePrompt = "", aspectRatio, outputFormat } = asked;
  const { promptLength, aspectRatios, outputFormats } = limits;
  if (Math.max(prompt.length, negativePrompt.length) > promptLength) {
    return `prompt and negativePrompt must have at most ${promptLength} characters`;
  }
  if (!aspectRatios.includes(aspectRatio)) return `aspectRatio must be one of ${aspectRatios.join(", ")}`;
  if (!outputFormats.includes(outputFormat)) return `outputFormat must be one of ${outputFormats.join(", ")}`;
  return undefined;
}
