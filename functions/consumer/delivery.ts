import type { SQSRecord } from "aws-lambda";
import { messageBody } from "../domain/message-body.ts";
import { iamPrincipal, ownerOf } from "../domain/owner.ts";
import {
  type IdentifiedRequest,
  type ParsedRequest,
  type PromptRequest,
  parseRequest,
  partsOf,
} from "../domain/request.ts";
import type { ReceiveHistory, RedeliveryLimits } from "./redelivery.ts";

/** A message as it was received. */
export interface Delivery extends ReceiveHistory {
  readonly message: SQSRecord;
  readonly parsed: ParsedRequest;
  /** When its prompt was first sent, before any copy. */
  readonly firstSentAt: Date;
  /** Who sent it first. */
  readonly owner: string | undefined;
}

export interface DeliveryLimits extends RedeliveryLimits {
  /** The unique id of the consumer's own role: only a copy of its own is believed when it says whose a request is. */
  readonly roleId: string;
}

export function readDelivery(message: SQSRecord, { giveUpAfterMs, roleId }: DeliveryLimits): Delivery {
  const parsed = parseRequest(message.body);
  const sentMs = Number(message.attributes.SentTimestamp);
  // Anybody who may send can write it: what no copy can have is brought to the nearest that one can.
  const claimedMs = (parsed.ok && parsed.firstSentMs) || sentMs;
  const firstSentMs = Math.min(Math.max(claimedMs, sentMs - giveUpAfterMs), sentMs);
  const sender = iamPrincipal(message.attributes.SenderId);
  const owner = sender === roleId ? parsed.ok && parsed.owner : sender && ownerOf(sender);
  return {
    message,
    parsed,
    receives: Number(message.attributes.ApproximateReceiveCount),
    firstSentAt: new Date(firstSentMs),
    owner: owner || undefined,
    ageMs: Date.now() - firstSentMs,
  };
}

/** The body of a copy of the message: it keeps the request's id, and says how old the prompt is and whose. */
export function copyBody({ parsed, message, firstSentAt, owner }: Delivery): string {
  return parsed.ok ? messageBody(identified(parsed.request, message), { firstSentAt, owner }) : message.body;
}

/** The bodies of the messages into which a message for several pictures is split; none where it is for one. */
export function partBodies({ parsed, message, firstSentAt, owner }: Delivery): string[] {
  if (!parsed.ok || parsed.count === undefined || parsed.count === 1) return [];
  const parts = partsOf(identified(parsed.request, message), parsed.count);
  return parts.map((part) => messageBody(part, { firstSentAt, owner }));
}

/** A request without an id goes by that of its message. */
export function identified(request: PromptRequest, { messageId }: SQSRecord): IdentifiedRequest {
  return { ...request, requestId: request.requestId ?? messageId };
}
