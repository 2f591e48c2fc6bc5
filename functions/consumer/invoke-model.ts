import {
  type BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  InvokeModelCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { KIND_OF_EXCEPTION } from "../domain/model-exceptions.ts";
import type { AskedRequest } from "../domain/record.ts";
import { type ModelAnswer, readAnswer, requireFormat } from "./model-answer.ts";
import type { ChainedModel } from "./settings.ts";

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
  let body: Uint8Array;
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
    // An answer without a body has none here either, whatever its type says.
    body = response.body ?? new Uint8Array();
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
  const modelMs = Math.round(performance.now() - started);
  return requireFormat(readAnswer(body, asked.seed, modelMs), asked.outputFormat);
}

function fromError(error: unknown): ModelAnswer {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const reason = { code: name, message };
  const kind = KIND_OF_EXCEPTION[name];
  return kind === undefined ? { kind: "failed", reason, mayBePaid: mayBePaid(error) } : { kind, reason };
}

/** Codes of Node for a call that never had a connection. */
const UNCONNECTED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];

/** Whether the model may have painted although the call failed: not without a connection, nor where it was refused. */
function mayBePaid(error: unknown): boolean {
  if (error instanceof BedrockRuntimeServiceException) {
    const { httpStatusCode = 500 } = error.$metadata;
    // 408 is the model's own time-out.
    return httpStatusCode >= 500 || httpStatusCode === 408;
  }
  if (!(error instanceof Error)) return true;
  // Of a connection that took too long only the message tells: its name is that of a connection that broke.
  return (
    !("code" in error && UNCONNECTED.includes(String(error.code))) &&
    !error.message.includes("did not establish a connection")
  );
}
