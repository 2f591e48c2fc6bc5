import { S3ServiceException } from "@aws-sdk/client-s3";
import type { SQSRecord } from "aws-lambda";
import { ForeignImageError, type Images } from "../domain/images.ts";
import type { Claim, ClaimResult, Ledger } from "../domain/ledger.ts";
import type { Metrics } from "../domain/metrics.ts";
import type { Reason, SucceededRecord } from "../domain/record.ts";
import { UnreadableRecordError } from "../domain/records.ts";
import { describeProblems, type IdentifiedRequest, parseRequest } from "../domain/request.ts";
import { STORING_SECONDS } from "../domain/timing.ts";
import type { ModelChain } from "./model-chain.ts";
import { firstSentAt } from "./postpone.ts";

/** What becomes of a message. */
export type Outcome =
  /** There is nothing left to do. */
  | { readonly kind: "done" }
  /** It can never become a picture; the record says why. */
  | { readonly kind: "rejected" }
  /** Nothing was really tried: such a receive must not bring the message nearer to the dead-letter queue. */
  | {
      readonly kind: "postponed";
      readonly request: IdentifiedRequest;
      readonly reason: Reason;
      /** In seconds, where it is known how long to wait; otherwise the back-off decides. */
      readonly waitSeconds?: number;
    }
  /** A try failed. Once it was the last one, the record says so and SQS moves the message. */
  | { readonly kind: "failed"; readonly reason: Reason }
  /** Somebody has to change something first: on its way to the dead-letter queue. */
  | { readonly kind: "broken"; readonly reason: Reason };

export interface ConsumeOptions {
  readonly ledger: Ledger;
  readonly images: Images;
  readonly chain: ModelChain;
  readonly metrics: Metrics;
  /** After this many receives SQS moves a message to the dead-letter queue. */
  readonly receiveLimit: number;
  /** A prompt that was first sent longer ago, in milliseconds, is not kept out of the dead-letter queue any longer. */
  readonly giveUpAfterMs: number;
}

/**
 * Takes one message to its outcome. Never throws.
 * @param endsAt when the invocation ends, in milliseconds since the epoch
 */
export async function consume(message: SQSRecord, endsAt: number, options: ConsumeOptions): Promise<Outcome> {
  try {
    return await readAndPaint(message, endsAt, options);
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** How often SQS handed this message out, this time included. */
export function receivesOf(message: SQSRecord): number {
  return Number(message.attributes.ApproximateReceiveCount);
}

/**
 * Whether a message that is postponed on this receive has to be sent anew, lest its receives run out. It is not the last
 * one: should sending the copy fail, there is a second chance.
 */
export function isNearlyUsedUp(message: SQSRecord, receiveLimit: number): boolean {
  return receivesOf(message) >= receiveLimit - 1;
}

/** Whether a prompt that nothing can be tried for is to go to the dead-letter queue instead of being sent anew. */
function isGivenUp(message: SQSRecord, { receiveLimit, giveUpAfterMs }: ConsumeOptions): boolean {
  const ageMs = Date.now() - firstSentAt(message, giveUpAfterMs).getTime();
  return isNearlyUsedUp(message, receiveLimit) && ageMs > giveUpAfterMs;
}

async function readAndPaint(message: SQSRecord, endsAt: number, options: ConsumeOptions): Promise<Outcome> {
  const { ledger, metrics } = options;
  const sentAt = firstSentAt(message, options.giveUpAfterMs);
  const unread = { id: message.messageId, body: message.body, sentAt };
  const parsed = parseRequest(message.body);
  if (!parsed.ok) {
    const reason = { code: "InvalidRequest", message: describeProblems(parsed.problems) };
    const { requestId } = await ledger.rejectUnread(unread, parsed.requestId, reason);
    console.warn({ event: "rejected", requestId, fields: parsed.problems.map(({ field }) => field) });
    metrics.emit({ Rejected: 1 }, {});
    return { kind: "rejected" };
  }
  const request = { ...parsed.request, requestId: parsed.request.requestId ?? message.messageId };
  const { requestId } = request;

  let result: ClaimResult;
  try {
    result = await ledger.claim(request, sentAt);
  } catch (error) {
    const outcome = outcomeOfError(error);
    if (outcome.kind !== "failed" || isGivenUp(message, options)) return outcome;
    return { kind: "postponed", request, reason: outcome.reason };
  }
  switch (result.kind) {
    case "closed":
      console.info({ event: "duplicate", requestId, status: result.record.status });
      metrics.emit({ DuplicateDeliveries: 1 }, {});
      return { kind: "done" };
    case "adopted":
      console.warn({ event: "adopted", requestId });
      metrics.emit({ Images: 1, TimeToImage: timeToImageMs(result.record) }, {});
      return { kind: "done" };
    case "leased": {
      const waitSeconds = Math.max(1, Math.ceil((result.until.getTime() - Date.now()) / 1000));
      const reason = { code: "Leased", message: "another delivery is painting this request" };
      return { kind: "postponed", request, reason, waitSeconds };
    }
    case "taken": {
      const message = `the id ${requestId} belongs to a request for another picture`;
      const rejected = await ledger.rejectUnread(unread, undefined, { code: "IdTaken", message });
      console.warn({ event: "rejected", requestId: rejected.requestId, code: "IdTaken", takenId: requestId });
      metrics.emit({ Rejected: 1 }, {});
      return { kind: "rejected" };
    }
    case "claimed":
      if (result.claim.origin === "abandoned") {
        console.warn({ event: "abandoned", requestId });
        metrics.emit({ AbandonedLeases: 1 }, {});
      }
      return paintClaimed(result.claim, message, endsAt, options);
  }
}

async function paintClaimed(
  claim: Claim,
  message: SQSRecord,
  endsAt: number,
  options: ConsumeOptions,
): Promise<Outcome> {
  const { ledger, images, chain, metrics, receiveLimit } = options;
  const asked = claim.record;
  const { requestId } = asked;
  let fallbacks = 0;
  const result = await chain.paint(asked, endsAt - STORING_SECONDS * 1000, (model, answer) => {
    fallbacks = 1;
    console.warn({
      event: "not painted",
      requestId,
      model: model.id,
      answer: answer.kind,
      code: answer.reason.code,
    });
    if (answer.kind === "failed" && answer.mayBePaid) {
      metrics.emit({ EstimatedCostUsd: model.pricePerImageUsd }, { Model: model.id });
    }
  });
  switch (result.kind) {
    case "painted": {
      const { model, seed, modelMs } = result;
      // Paid from here on, whatever becomes of the picture.
      metrics.emit({ EstimatedCostUsd: model.pricePerImageUsd, ModelLatency: modelMs }, { Model: model.id });
      const details = {
        seed,
        modelMs,
        model: model.id,
        region: model.region,
        costUsd: model.pricePerImageUsd,
      };
      const record = await ledger.succeed(claim, await images.store(asked, result.bytes, details));
      const sinceSentMs = timeToImageMs(record);
      console.info({ event: "painted", requestId, model: model.id, modelMs, timeToImageMs: sinceSentMs });
      metrics.emit({ Images: 1, TimeToImage: sinceSentMs, Fallbacks: fallbacks }, {});
      return { kind: "done" };
    }
    case "refused":
      await ledger.reject(claim, result.reason, message.body);
      console.warn({ event: "rejected", requestId, code: result.reason.code });
      metrics.emit({ Rejected: 1 }, {});
      return { kind: "rejected" };
    case "busy":
    case "out-of-time":
      if (isGivenUp(message, options)) {
        await ledger.fail(claim, result.reason);
        return { kind: "failed", reason: result.reason };
      }
      await ledger.release(claim, result.reason, { tried: false });
      return { kind: "postponed", request: asked, reason: result.reason };
    case "failed":
      // A message that was redriven or sent anew has receives left, however many tries are on record.
      if (receivesOf(message) >= receiveLimit) await ledger.fail(claim, result.reason);
      else await ledger.release(claim, result.reason, { tried: true });
      return { kind: "failed", reason: result.reason };
    case "unusable":
      await ledger.fail(claim, result.reason);
      return { kind: "broken", reason: result.reason };
  }
}

/** From sending the prompt to the stored picture, in milliseconds. */
function timeToImageMs({ timings }: SucceededRecord): number {
  return Date.parse(timings.finishedAt) - Date.parse(timings.queuedAt);
}

/** S3 says these when somebody has to change something; all else it says may pass. */
const BROKEN_S3 = ["AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch"];

function outcomeOfError(error: unknown): Outcome {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const isBroken =
    error instanceof UnreadableRecordError ||
    error instanceof ForeignImageError ||
    error instanceof TypeError ||
    (error instanceof S3ServiceException && BROKEN_S3.includes(name));
  return { kind: isBroken ? "broken" : "failed", reason: { code: name, message } };
}
