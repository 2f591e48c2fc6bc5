import type { SQSRecord } from "aws-lambda";
import type { Events } from "../domain/events.ts";
import { ForeignImageError, IdTakenError, type Images } from "../domain/images.ts";
import type { Claim, ClaimResult, Ledger } from "../domain/ledger.ts";
import { messageBody } from "../domain/message-body.ts";
import type { Metrics } from "../domain/metrics.ts";
import { iamPrincipal, ownerOf } from "../domain/owner.ts";
import type { ClosedRecord, FailedRecord, Reason, SucceededRecord } from "../domain/record.ts";
import { UnreadableRecordError } from "../domain/record-store.ts";
import {
  describeProblems,
  type IdentifiedRequest,
  loggableFields,
  type ParsedRequest,
  type PromptRequest,
  parseRequest,
} from "../domain/request.ts";
import { STORING_SECONDS } from "../domain/timing.ts";
import type { ModelChain, Unpainted } from "./model-chain.ts";
import { isGivenUp, type Outcome, type ReceiveHistory, type RedeliveryLimits } from "./redelivery.ts";
import type { ChainedModel } from "./settings.ts";

/** A message as it was received. */
export interface Delivery extends ReceiveHistory {
  readonly message: SQSRecord;
  readonly parsed: ParsedRequest;
  /** When its prompt was first sent, before any copy. */
  readonly firstSentAt: Date;
  /** Who sent it first. */
  readonly owner: string | undefined;
}

export interface ConsumeOptions extends RedeliveryLimits {
  readonly ledger: Ledger;
  readonly images: Images;
  readonly chain: ModelChain;
  readonly events: Events;
  readonly metrics: Metrics;
  /** The unique id of the consumer's own role. */
  readonly roleId: string;
}

export function readDelivery(
  message: SQSRecord,
  { giveUpAfterMs, roleId }: Pick<ConsumeOptions, "giveUpAfterMs" | "roleId">,
): Delivery {
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

/** A request without an id goes by that of its message. */
function identified(request: PromptRequest, { messageId }: SQSRecord): IdentifiedRequest {
  return { ...request, requestId: request.requestId ?? messageId };
}

/**
 * Takes one message to its outcome. Never throws.
 * @param endsAt when the invocation ends, in milliseconds since the epoch
 */
export async function consume(delivery: Delivery, endsAt: number, options: ConsumeOptions): Promise<Outcome> {
  try {
    const outcome = await claimAndPaint(delivery, endsAt, options);
    return "record" in outcome ? await tell(outcome.record, outcome, options) : outcome;
  } catch (error) {
    return outcomeOfError(error);
  }
}

/**
 * Tells how a request ended, before its message goes. If that fails, or if the function dies here, the message comes back
 * and finds the record closed: it is told again, under the same id, and nothing is painted.
 */
async function tell(
  record: ClosedRecord | FailedRecord,
  outcome: Outcome,
  { events }: ConsumeOptions,
): Promise<Outcome> {
  try {
    await events.tell(record);
    return outcome;
  } catch (error) {
    console.error({ event: "not told", requestId: record.requestId, status: record.status });
    return untried(error);
  }
}

async function claimAndPaint(delivery: Delivery, endsAt: number, options: ConsumeOptions): Promise<Outcome> {
  const { message, parsed, firstSentAt: sentAt, owner } = delivery;
  const { ledger, metrics } = options;
  const unread = { id: message.messageId, body: message.body, sentAt, owner };
  if (!parsed.ok) {
    const reason = { code: "InvalidRequest", message: describeProblems(parsed.problems) };
    const record = await ledger.rejectUnread(unread, parsed.requestId, reason);
    console.warn({ event: "rejected", requestId: record.requestId, fields: loggableFields(parsed.problems) });
    metrics.emit({ Rejected: 1 }, {});
    return { kind: "rejected", record };
  }
  const request = identified(parsed.request, message);
  const { requestId } = request;

  let result: ClaimResult;
  try {
    result = await ledger.claim(request, sentAt, owner);
  } catch (error) {
    if (!(error instanceof IdTakenError)) return untried(error);
    result = { kind: "taken" };
  }
  switch (result.kind) {
    case "closed": {
      const { status } = result.record;
      const isDuplicate = status === "succeeded" || status === "rejected";
      console.info({ event: isDuplicate ? "duplicate" : "not to be painted", requestId, status });
      if (isDuplicate) metrics.emit({ DuplicateDeliveries: 1 }, {});
      return { kind: "done", record: result.record };
    }
    case "adopted":
      console.warn({ event: "adopted", requestId });
      metrics.emit({ Images: 1, TimeToImage: timeToImageMs(result.record) }, {});
      return { kind: "done", record: result.record };
    case "leased": {
      const waitSeconds = Math.max(1, Math.ceil((result.until.getTime() - Date.now()) / 1000));
      const reason = { code: "Leased", message: "another delivery is painting this request" };
      return { kind: "postponed", reason, waitSeconds };
    }
    case "taken": {
      const message = `the id ${requestId} belongs to a request for another picture`;
      const record = await ledger.rejectUnread(unread, undefined, { code: "IdTaken", message });
      console.warn({ event: "rejected", requestId: record.requestId, code: "IdTaken", takenId: requestId });
      metrics.emit({ Rejected: 1 }, {});
      return { kind: "rejected", record };
    }
    case "claimed":
      if (result.claim.origin === "abandoned") {
        console.warn({ event: "abandoned", requestId });
        metrics.emit({ AbandonedLeases: 1 }, {});
        // It may have died between paying and telling: a loop of such deaths has to reach the spending alarms.
        emitPrice(metrics, options.chain.first);
      }
      return paintClaimed(result.claim, request, delivery, endsAt, options);
  }
}

async function paintClaimed(
  claim: Claim,
  request: IdentifiedRequest,
  delivery: Delivery,
  endsAt: number,
  options: ConsumeOptions,
): Promise<Outcome> {
  const { ledger, images, chain, metrics } = options;
  const asked = claim.record;
  const { requestId } = asked;
  const result = await chain.paint(asked, {
    isSeedOurs: !request.seed,
    deadline: endsAt - STORING_SECONDS * 1000,
    onUnpainted(model, answer) {
      const { kind, reason } = answer;
      console.warn({ event: "not painted", requestId, model: model.id, answer: kind, code: reason.code });
      if (mayBePaid(answer)) emitPrice(metrics, model);
    },
  });
  switch (result.kind) {
    case "painted": {
      const { model, seed, modelMs, isFallback } = result;
      // Paid from here on, whatever becomes of the picture.
      emitPrice(metrics, model);
      metrics.emit({ ModelLatency: modelMs }, { Model: model.id });
      const { id, region, pricePerImageUsd: costUsd } = model;
      const details = { seed, modelMs, model: id, region, costUsd };
      const stored = await images.store(asked, result.bytes, details).catch(keepIdTaken);
      if (stored instanceof IdTakenError) {
        const reason = { code: stored.name, message: stored.message };
        return reject(claim, reason, delivery, options);
      }
      const record = await ledger.succeed(claim, stored);
      const sinceSentMs = timeToImageMs(record);
      console.info({ event: "painted", requestId, model: id, modelMs, timeToImageMs: sinceSentMs });
      metrics.emit({ Images: 1, TimeToImage: sinceSentMs, Fallbacks: isFallback ? 1 : 0 }, {});
      return { kind: "done", record };
    }
    case "expired": {
      const record = await ledger.expire(claim, result);
      console.info({ event: "not to be painted", requestId, status: result.kind });
      return { kind: "done", record };
    }
    case "refused":
    case "withheld":
    case "unfit":
      return reject(claim, result.reason, delivery, options);
    default: {
      const { reason } = result;
      const outcome = { kind: OUTCOME_OF[result.kind], reason };
      if (isGivenUp(outcome.kind, delivery, options)) return giveUp(claim, outcome, delivery, options);
      await ledger.release(claim, reason, { tried: outcome.kind === "failed" });
      return outcome;
    }
  }
}

/**
 * Closes the record of a request whose message has had its last receive. It is told first: nothing brings the message back
 * afterwards. If EventBridge is not available, the message is re-sent instead, and the request is tried again.
 */
async function giveUp(
  claim: Claim,
  outcome: Extract<Outcome, { reason: Reason }>,
  delivery: Delivery,
  options: ConsumeOptions,
): Promise<Outcome> {
  const { ledger } = options;
  const failure = ledger.failure(claim, outcome.reason);
  const told = await tell(failure, outcome, options);
  const isResent = told.kind === "postponed" && !isGivenUp("postponed", delivery, options);
  if (isResent) await ledger.release(claim, outcome.reason, { tried: outcome.kind === "failed" });
  else await ledger.fail(claim, failure);
  return told;
}

function keepIdTaken(error: unknown): IdTakenError {
  if (error instanceof IdTakenError) return error;
  throw error;
}

/** Closes the record for good. */
async function reject(
  claim: Claim,
  reason: Reason,
  { message }: Delivery,
  { ledger, metrics }: ConsumeOptions,
): Promise<Outcome> {
  const record = await ledger.reject(claim, reason, message.body);
  console.warn({ event: "rejected", requestId: record.requestId, code: reason.code });
  metrics.emit({ Rejected: 1 }, {});
  return { kind: "rejected", record };
}

const OUTCOME_OF = {
  busy: "postponed",
  "out-of-time": "postponed",
  failed: "failed",
  unusable: "broken",
} as const;

/** Whether a call that brought no picture may be on the bill all the same. */
function mayBePaid(answer: Unpainted): boolean {
  return answer.kind === "withheld" || (answer.kind === "failed" && answer.mayBePaid);
}

function emitPrice(metrics: Metrics, { id, pricePerImageUsd }: ChainedModel): void {
  metrics.emit({ EstimatedCostUsd: pricePerImageUsd }, { Model: id });
}

/** From sending the prompt to the stored picture, in milliseconds. */
function timeToImageMs({ timings }: SucceededRecord): number {
  return Date.parse(timings.finishedAt) - Date.parse(timings.queuedAt);
}

/** S3 and EventBridge say these when somebody has to change something; all else they say may pass. */
const BROKEN_AWS = [
  ...["AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch"],
  ...["AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException"],
];

/** The outcome of an error before anything was tried, or after all was done. */
function untried(error: unknown): Outcome {
  const outcome = outcomeOfError(error);
  if (outcome.kind === "broken" || outcome.bug !== undefined) return outcome;
  return { kind: "postponed", reason: outcome.reason };
}

function outcomeOfError(error: unknown): Extract<Outcome, { kind: "failed" | "broken" }> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const reason = { code: name, message };
  // Node.js throws these for mistakes in code; networks, AWS and the bucket's content never come as one of them.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) {
    return { kind: "failed", reason, bug: error };
  }
  const isBroken =
    error instanceof UnreadableRecordError || error instanceof ForeignImageError || BROKEN_AWS.includes(name);
  return { kind: isBroken ? "broken" : "failed", reason };
}
