import {
  type BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  InvokeModelCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { KIND_OF_EXCEPTION } from "../domain/model-exceptions.ts";
import { exceededLimit, type Model, type PictureAnswer, unreadable } from "../domain/models/contract.ts";
import { hasFormat } from "../domain/picture-mark.ts";
import type { AskedRequest, Reason } from "../domain/record.ts";
import type { OutputFormat } from "../domain/request-limits.ts";

/** What one call of a model came to. */
export type ModelAnswer =
  /** `modelMs`: how long the model took, in milliseconds. */
  | (Extract<PictureAnswer, { kind: "painted" }> & { readonly modelMs: number })
  | Exclude<PictureAnswer, { kind: "painted" }>
  /** The model did no work: it is throttled, or not there for the moment. */
  | { readonly kind: "busy"; readonly reason: Reason }
  /** Nobody may call this model, or it does not exist (any more): somebody has to change something. */
  | { readonly kind: "unusable"; readonly reason: Reason }
  /** The request is beyond the model's limits, and was not sent. */
  | { readonly kind: "unfit"; readonly reason: Reason };

/**
 * Asks a model for one picture. Never throws for what the model or the network does.
 * @param signal ends the call when there is no more time for it
 */
export async function invokeModel(
  client: BedrockRuntimeClient,
  model: Pick<Model, "id" | "limits" | "writeRequest" | "readAnswer">,
  asked: AskedRequest,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  const message = exceededLimit(asked, model.limits);
  if (message !== undefined) return { kind: "unfit", reason: { code: "ModelLimits", message } };
  const started = performance.now();
  let body: Uint8Array;
  try {
    const response = await client.send(
      new InvokeModelCommand({
        modelId: model.id,
        contentType: "application/json",
        accept: "application/json",
        body: JSON.stringify(model.writeRequest(asked)),
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
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const answer = requireFormat(model.readAnswer(buffer, asked.seed), asked.outputFormat);
  return answer.kind === "painted" ? { ...answer, modelMs } : answer;
}

/** The same answer, unless its picture is of another format than its name and content type would say. */
function requireFormat(answer: PictureAnswer, format: OutputFormat): PictureAnswer {
  const isAsAsked = answer.kind !== "painted" || hasFormat(answer.bytes, format);
  return isAsAsked ? answer : unreadable(`what the model sent is not a ${format.toUpperCase()}`);
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
