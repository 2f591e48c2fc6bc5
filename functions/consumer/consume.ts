import type { Claim, ClaimResult } from "../domain/claim.ts";
import type { Events } from "../domain/events.ts";
import { ForeignImageError, IdTakenError, type Images } from "../domain/images.ts";
import type { Ledger } from "../domain/ledger.ts";
import type { Metrics } from "../domain/metrics.ts";
import type { ClosedRecord, FailedRecord, Reason, SucceededRecord } from "../domain/record.ts";
import { UnreadableRecordError } from "../domain/record-store.ts";
import { describeProblems, type IdentifiedRequest, loggableFields } from "../domain/request.ts";
import type { RequestIndex } from "../domain/request-index.ts";
import { STORING_SECONDS } from "../domain/timing.ts";
import { type Delivery, type DeliveryLimits, identified } from "./delivery.ts";
import type { ModelChain, Unpainted } from "./model-chain.ts";
import { isGivenUp, type Outcome } from "./redelivery.ts";
import type { ChainedModel } from "./settings.ts";

export interface ConsumeOptions extends DeliveryLimits {
  readonly ledger: Ledger;
  readonly images: Images;
  readonly chain: ModelChain;
  readonly events: Events;
  readonly index: RequestIndex;
  readonly metrics: Metrics;
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
  { events, metrics }: ConsumeOptions,
): Promise<Outcome> {
  try {
    await events.tell(record);
    return outcome;
  } catch (error) {
    console.error({ event: "not told", requestId: record.requestId, status: record.status });
    metrics.emit({ Untold: 1 }, {});
    return untried(error);
  }
}

async function claimAndPaint(delivery: Delivery, endsAt: number, options: ConsumeOptions): Promise<Outcome> {
  const { message, parsed, firstSentAt: sentAt, owner } = delivery;
  const { ledger, index, metrics } = options;
  const unread = { id: message.messageId, body: message.body, sentAt, owner };
  if (!parsed.ok) {
    const reason = { code: "InvalidRequest", message: describeProblems(parsed.problems) };
    const record = await ledger.rejectUnread(unread, parsed.requestId, reason);
    return endUnread(record, { fields: loggableFields(parsed.problems) }, options);
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
      // The delivery that closed it may have died before it wrote the entry.
      await index.add(result.record);
      const { status } = result.record;
      const isDuplicate = status === "succeeded" || status === "rejected";
      console.info({ event: isDuplicate ? "duplicate" : "not to be painted", requestId, status });
      if (isDuplicate) metrics.emit({ DuplicateDeliveries: 1 }, {});
      return { kind: "done", record: result.record };
    }
    case "adopted":
      await index.add(result.record);
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
      return endUnread(record, { code: "IdTaken", takenId: requestId }, options);
    }
    case "claimed":
      if (result.claim.origin === "abandoned") {
        console.warn({ event: "abandoned", requestId });
        metrics.emit({ AbandonedLeases: 1 }, {});
        // It may have died between paying and telling: a loop of such deaths has to reach the spending alarms.
        emitPrice(metrics, options.chain.first);
      }
      return indexAndPaint(result.claim, request, delivery, endsAt, options);
  }
}

/** Ends a message that can be no request, unless its request was cancelled or deleted before. */
async function endUnread(
  record: Awaited<ReturnType<Ledger["rejectUnread"]>>,
  why: object,
  { index, metrics }: ConsumeOptions,
): Promise<Outcome> {
  const { requestId, status } = record;
  if (status !== "rejected") {
    console.info({ event: "not to be painted", requestId, status });
    return { kind: "done", record };
  }
  await index.add(record);
  console.warn({ event: "rejected", requestId, ...why });
  metrics.emit({ Rejected: 1 }, {});
  return { kind: "rejected", record };
}

/**
 * Adds a request to the index while the model paints, unless that was done before: by the API before it sent the message,
 * or by an earlier try before it gave the request back. Should that fail, the message stays, and its next delivery adds
 * the request.
 */
async function indexAndPaint(
  claim: Claim,
  request: IdentifiedRequest,
  delivery: Delivery,
  endsAt: number,
  options: ConsumeOptions,
): Promise<Outcome> {
  const isIndexed = claim.origin === "first" || claim.origin === "again";
  const added = isIndexed ? Promise.resolve() : options.index.add(claim.record);
  // It is waited for later.
  added.catch(() => {});
  const outcome = await paintClaimed(claim, request, delivery, endsAt, { ...options, added });
  await added;
  return outcome;
}

async function paintClaimed(
  claim: Claim,
  request: IdentifiedRequest,
  delivery: Delivery,
  endsAt: number,
  options: ConsumeOptions & { readonly added: Promise<void> },
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
      await options.added;
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
