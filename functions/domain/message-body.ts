import type { IdentifiedRequest } from "./request.ts";

/**
 * The attribute in which the copy of a message says when its prompt was first sent, in milliseconds since the epoch:
 * SQS counts a copy's age anew.
 */
export const FIRST_SENT_ATTRIBUTE = "firstSentMs";

/** The body of the message that asks for this very picture; without a seed, the consumer draws one. */
export function messageBody(request: IdentifiedRequest): string {
  const { requestId, prompt, negativePrompt, aspectRatio, seed, outputFormat } = request;
  return escapeUnsendable(
    JSON.stringify({ requestId, prompt, negativePrompt, aspectRatio, seed, outputFormat }),
  );
}

// SQS refuses messages with U+FFFE or U+FFFF, and the emulator those with a surrogate; in JSON both can be escaped.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const UNSENDABLE = /[\ud800-\udfff\ufffe\uffff]/g;

/** The same JSON, in characters that every queue takes. */
export function escapeUnsendable(json: string): string {
  return json.replaceAll(UNSENDABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
}
