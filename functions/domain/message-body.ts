import type { IdentifiedRequest } from "./request.ts";

interface CopiedFrom {
  readonly firstSentAt: Date;
  readonly owner: string | undefined;
}

/**
 * The body of the message that asks for this very picture; without a seed, the consumer draws one.
 * @param copied of a copy, when its prompt was first sent and whose it is: SQS counts the age of a copy from zero, and
 * names the consumer as its sender. In the body, because a message has at most ten attributes, and they are the sender's.
 */
export function messageBody(
  request: IdentifiedRequest & { readonly count?: number | undefined },
  copied?: CopiedFrom,
): string {
  const { firstSentAt, owner } = copied ?? {};
  return escapeUnsendable(JSON.stringify({ ...request, firstSentMs: firstSentAt?.getTime(), owner }));
}

// SQS refuses messages with U+FFFE or U+FFFF, and the emulator those with a surrogate; in JSON both can be escaped.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const UNSENDABLE = /[\ud800-\udfff\ufffe\uffff]/g;

/** The same JSON, in characters that every queue takes. */
export function escapeUnsendable(json: string): string {
  return json.replaceAll(UNSENDABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
}
