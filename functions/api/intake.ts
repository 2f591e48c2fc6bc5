import { setTimeout } from "node:timers/promises";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { messageBody } from "../domain/message-body.ts";
import {
  type AskedRequest,
  askedOf,
  drawSeed,
  expiryOf,
  type FailedRecord,
  type Origin,
  originOf,
  type QueuedRecord,
  type RequestRecord,
} from "../domain/record.ts";
import { type RecordStore, UnreadableRecordError, type VersionedRecord } from "../domain/record-store.ts";
import type { IdentifiedRequest } from "../domain/request.ts";
import type { RequestIndex } from "../domain/request-index.ts";
import { isSameRequest } from "../domain/same-request.ts";

export type Accepted =
  /** The request as it stands: new, or as an earlier attempt under the same id left it. */
  | { readonly kind: "accepted"; readonly record: RequestRecord }
  /** The id belongs to another prompt, or to somebody else's. */
  | { readonly kind: "conflict" }
  /** The request with this id was deleted. */
  | { readonly kind: "deleted" }
  /** The queue did not take it. The record says so; the same request can be sent again. */
  | { readonly kind: "not-queued" };

/** How long a sender may take to send its message and to confirm that, in milliseconds. */
const SENDING_MS = 5_000;
/** How often a repeat looks whether the send is confirmed, in milliseconds. */
const LOOK_MS = 500;
/** How long a confirmation counts, in milliseconds: a message may also be purged, or kept no longer by SQS. */
const ON_QUEUE_MS = 3_600_000;

function isOnQueue(record: QueuedRecord | FailedRecord): boolean {
  if (record.status === "failed" || record.sentAt === undefined) return false;
  return Date.now() - Date.parse(record.sentAt) < ON_QUEUE_MS;
}

/** Who sends a request. */
export interface Caller {
  /** For the queue's fairness. */
  readonly group: string;
  /** Undefined where callers are not known. */
  readonly owner: string | undefined;
}

export interface IntakeOptions {
  readonly records: RecordStore;
  readonly index: RequestIndex;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly codeVersion: string;
}

/** Takes requests in: first the record, then its entry in the index, then the message: none is ever without the one before. */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async accept(request: IdentifiedRequest, { group, owner }: Caller): Promise<Accepted> {
    const { records } = this.#options;
    const origin = { owner, createdAt: new Date().toISOString() };
    const asked = { ...request, ...origin, seed: request.seed ?? drawSeed() };
    const fresh = this.#queued(asked, request, 0);
    const created = await records.write(fresh, { ifNoneMatch: "*" });
    return created.written
      ? this.#send(request, fresh, created.etag, group)
      : this.#acceptAgain(request, created.found, { group, owner });
  }

  /**
   * Accepts a repeat. It sends only what nobody else sends: every send belongs to a conditional write of the record, and
   * one that is not confirmed in time counts as died. Until then the repeat waits, because an answer would promise a
   * picture that perhaps nobody paints.
   */
  async #acceptAgain(
    request: IdentifiedRequest,
    earlier: VersionedRecord | undefined,
    { group, owner }: Caller,
  ): Promise<Accepted> {
    const { records } = this.#options;
    let found = earlier;
    for (const endsAt = Date.now() + 3 * SENDING_MS; Date.now() < endsAt; ) {
      const { record, etag } = this.#present(request.requestId, found);
      if (record.owner !== owner) return { kind: "conflict" };
      if (record.status === "deleted") return { kind: "deleted" };
      if (!isSameRequest(request, record)) return { kind: "conflict" };
      if ((record.status !== "queued" && record.status !== "failed") || isOnQueue(record)) {
        return { kind: "accepted", record };
      }
      if (record.status === "queued" && Date.now() - Date.parse(record.timings.queuedAt) < SENDING_MS) {
        await setTimeout(LOOK_MS);
        found = await records.read(request.requestId);
        continue;
      }
      const again = this.#queued(record, request, record.attempts);
      const changed = await records.write(again, { ifMatch: etag });
      if (changed.written) return this.#send(request, again, changed.etag, group);
      found = changed.found;
    }
    return { kind: "not-queued" };
  }

  /** The message names no seed that was drawn here: the record has it, and the consumer may draw another. */
  async #send(
    request: IdentifiedRequest,
    record: QueuedRecord,
    etag: string,
    group: string,
  ): Promise<Accepted> {
    const { records, index, sqs, queueUrl } = this.#options;
    const { requestId } = record;
    await index.add(record);
    try {
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: messageBody(request),
          MessageGroupId: group,
        }),
      );
    } catch (error) {
      console.error({
        event: "not queued",
        requestId,
        code: error instanceof Error ? error.name : "unknown",
      });
      const failed: FailedRecord = {
        ...record,
        status: "failed",
        reason: { code: "NotQueued", message: "the queue did not take the prompt: send the request again" },
        timings: { ...record.timings, finishedAt: new Date().toISOString() },
      };
      const closed = await records.write(failed, { ifMatch: etag });
      // A record that has moved on shows that a message arrived after all.
      if (closed.written) return { kind: "not-queued" };
      return { kind: "accepted", record: this.#present(requestId, closed.found).record };
    }
    console.info({ event: "queued", requestId });
    return { kind: "accepted", record: await this.#confirm(record, etag) };
  }

  /** Writes down that the queue has the prompt. Without that a repeat sends it once more, and one of the two is painted. */
  async #confirm(record: QueuedRecord, etag: string): Promise<RequestRecord> {
    const { requestId } = record;
    const sent = { ...record, sentAt: new Date().toISOString() };
    try {
      const confirmed = await this.#options.records.write(sent, { ifMatch: etag });
      return confirmed.written ? sent : this.#present(requestId, confirmed.found).record;
    } catch (error) {
      console.warn({
        event: "send not confirmed",
        requestId,
        code: error instanceof Error ? error.name : "unknown",
      });
      return record;
    }
  }

  #present(requestId: string, found: VersionedRecord | undefined): VersionedRecord {
    if (found === undefined) throw new UnreadableRecordError(`the record of ${requestId} vanished`);
    return found;
  }

  /** @param request whose deadline counts from now, also where it is sent again */
  #queued(asked: AskedRequest & Origin, request: IdentifiedRequest, attempts: number): QueuedRecord {
    const now = new Date();
    return {
      ...askedOf(asked),
      ...originOf(asked),
      status: "queued",
      expiresAt: expiryOf(request, now),
      attempts,
      timings: { queuedAt: now.toISOString() },
      codeVersion: this.#options.codeVersion,
    };
  }
}
