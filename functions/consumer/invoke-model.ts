import { type BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import * as z from "zod/mini";
import type { AskedRequest, Reason } from "../domain/record.ts";
import type { ChainedModel } from "./settings.ts";

/** What one call of a model came to. */
export type ModelAnswer =
  | { readonly kind: "painted"; readonly bytes: Uint8Array; readonly seed: number; readonly modelMs: number }
  /** The request itself is at fault: no model will ever paint it. */
  | { readonly kind: "refused"; readonly reason: Reason }
  /** The model did no work: it is throttled, or not there for the moment. */
  | { readonly kind: "busy"; readonly reason: Reason }
  /** The call failed. `mayBePaid`: the model may have painted, without us getting the picture. */
  | { readonly kind: "failed"; readonly reason: Reason; readonly mayBePaid: boolean }
  /** Nobody may call this model, or it does not exist (any more): somebody has to change something. */
  | { readonly kind: "unusable"; readonly reason: Reason };

const answerSchema = z.object({
  // A seed comes as a number or as a string, depending on the model.
  seeds: z.optional(z.array(z.coerce.number())),
  finish_reasons: z.optional(z.array(z.nullable(z.string()))),
  images: z.optional(z.array(z.string())),
});

/**
 * Asks a model for one picture. Never throws for what the model or the network does.
 * @param signal ends the call when there is no more time for it
 */
export async function invokeModel(
  client: BedrockRuntimeClient,
  model: ChainedModel,
  asked: AskedRequest,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  const started = performance.now();
  let body: string;
  try {
    const response = await client.send(
      new InvokeModelCommand({
        modelId: model.id,
        contentType: "application/json",
        accept: "application/json",
        body: JSON.stringify({
          prompt: asked.prompt,
          negative_prompt: asked.negativePrompt,
          aspect_ratio: asked.aspectRatio,
          seed: asked.seed,
          output_format: asked.outputFormat,
          ...(model.takesMode && { mode: "text-to-image" }),
        }),
      }),
      { abortSignal: signal },
    );
    body = response.body.transformToString();
  } catch (error) {
    if (signal.aborted) {
      return {
        kind: "failed",
        reason: { code: "ModelTimeout", message: "no answer in time" },
        mayBePaid: true,
      };
    }
    return fromError(error);
  }
  return fromBody(body, asked.seed, Math.round(performance.now() - started));
}

function fromBody(body: string, askedSeed: number, modelMs: number): ModelAnswer {
  const unreadable = (message: string): ModelAnswer => ({
    kind: "failed",
    reason: { code: "UnreadableAnswer", message },
    mayBePaid: true,
  });
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return unreadable("the model's answer is not JSON");
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) return unreadable("the model's answer has not the form of one");
  const { seeds, finish_reasons: finishReasons, images } = parsed.data;
  const finish = finishReasons?.[0] ?? null;
  // A blocked prompt is answered with HTTP 200 and a reason, without a picture.
  if (finish?.startsWith("Filter reason")) {
    return { kind: "refused", reason: { code: "ContentFilter", message: finish } };
  }
  if (finish !== null) {
    return { kind: "failed", reason: { code: "InferenceError", message: finish }, mayBePaid: false };
  }
  const image = images?.[0];
  if (!image) return unreadable("the model's answer has no picture");
  const bytes = Buffer.from(image, "base64");
  if (!isPicture(bytes)) return unreadable("what the model sent is neither a PNG nor a JPEG");
  return { kind: "painted", bytes, seed: seeds?.[0] ?? askedSeed, modelMs };
}

const SIGNATURES = [Buffer.from("89504e470d0a1a0a", "hex"), Buffer.from("ffd8ff", "hex")];

function isPicture(bytes: Buffer): boolean {
  return SIGNATURES.some((signature) => bytes.subarray(0, signature.length).equals(signature));
}

/**
 * What an exception of InvokeModel means for the prompt; one that is not listed is a failed call.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors
 */
const KIND_OF_EXCEPTION: Readonly<Record<string, "refused" | "busy" | "unusable">> = {
  ValidationException: "refused",
  ThrottlingException: "busy",
  ModelNotReadyException: "busy",
  ServiceQuotaExceededException: "busy",
  ServiceUnavailableException: "busy",
  AccessDeniedException: "unusable",
  ResourceNotFoundException: "unusable",
  UnrecognizedClientException: "unusable",
  CredentialsProviderError: "unusable",
};

function fromError(error: unknown): ModelAnswer {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const reason = { code: name, message };
  const kind = KIND_OF_EXCEPTION[name];
  return kind === undefined ? { kind: "failed", reason, mayBePaid: false } : { kind, reason };
}
