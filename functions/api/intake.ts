import { setTimeout } from "node:timers/promises";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { errorName } from "../domain/error-name.ts";
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

/** Why requests are not accepted. */
type Refusal =
  /** The id belongs to another prompt, or to somebody else's. */
  | { readonly kind: "conflict" }
  /** The request with this id was deleted. */
  | { readonly kind: "deleted" }
  /** The queue did not take them. The records say so; the same can be sent again. */
  | { readonly kind: "not-queued" };

export type Accepted =
  | Refusal
  /** The requests as they stand: new, or as an earlier attempt under the same ids left them. */
  | { readonly kind: "accepted"; readonly records: readonly RequestRecord[] };

/** A request that has its record. */
type Entry =
  /** It is up to this invocation to send its message. */
  | { readonly kind: "unsent"; readonly record: QueuedRecord; readonly etag: string }
  | { readonly kind: "sent"; readonly record: RequestRecord };

function isRefused(entry: Entry | Refusal): entry is Refusal {
  return entry.kind !== "unsent" && entry.kind !== "sent";
}

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

  /**
   * Accepts requests together or not at all: one message asks for all of them.
   * @param body of the message. It names no seed that is drawn here: the record has it, and the consumer may draw another.
   */
  async accept(
    [request, ...others]: readonly [IdentifiedRequest, ...IdentifiedRequest[]],
    body: string,
    { group, owner }: Caller,
  ): Promise<Accepted> {
    // Of two callers who send the same at once, the one who enters the first request enters them all.
    const first = await this.#enter(request, owner);
    if (isRefused(first)) return first;
    const rest = await Promise.all(others.map((other) => this.#enter(other, owner)));
    const refusal = rest.find(isRefused);
    const entries = [first, ...rest].filter((entry) => !isRefused(entry));
    if (refusal === undefined) return this.#send(entries, body, group);
    await Promise.all(entries.map((entry) => this.#withdraw(entry)));
    return refusal;
  }

  /** Writes the record of a request, or finds the one of an earlier attempt. */
  async #enter(request: IdentifiedRequest, owner: string | undefined): Promise<Entry | Refusal> {
    const { records } = this.#options;
    const origin = { owner, createdAt: new Date().toISOString() };
    const asked = { ...request, ...origin, seed: request.seed ?? drawSeed() };
    const fresh = this.#queued(asked, request, 0);
    const created = await records.write(fresh, { ifNoneMatch: "*" });
    return created.written
      ? { kind: "unsent", record: fresh, etag: created.etag }
      : this.#enterAgain(request, created.found, owner);
  }

  /**
   * Enters a repeat. It sends only what nobody else sends: every send belongs to a conditional write of the record, and
   * one that is not confirmed in time counts as died. Until then the repeat waits, because an answer would promise a
   * picture that perhaps nobody paints.
   */
  async #enterAgain(
    request: IdentifiedRequest,
    earlier: VersionedRecord | undefined,
    owner: string | undefined,
  ): Promise<Entry | Refusal> {
    const { records } = this.#options;
    let found = earlier;
    for (const endsAt = Date.now() + 3 * SENDING_MS; Date.now() < endsAt; ) {
      const { record, etag } = this.#present(request.requestId, found);
      if (record.owner !== owner) return { kind: "conflict" };
      if (record.status === "deleted") return { kind: "deleted" };
      if (!isSameRequest(request, record)) return { kind: "conflict" };
      if ((record.status !== "queued" && record.status !== "failed") || isOnQueue(record)) {
        return { kind: "sent", record };
      }
      if (record.status === "queued" && Date.now() - Date.parse(record.timings.queuedAt) < SENDING_MS) {
        await setTimeout(LOOK_MS);
        found = await records.read(request.requestId);
        continue;
      }
      const again = this.#queued(record, request, record.attempts);
      const changed = await records.write(again, { ifMatch: etag });
      if (changed.written) return { kind: "unsent", record: again, etag: changed.etag };
      found = changed.found;
    }
    return { kind: "not-queued" };
  }

  async #send(entries: readonly Entry[], body: string, group: string): Promise<Accepted> {
    const { index, sqs, queueUrl } = this.#options;
    const unsent = entries.filter((entry) => entry.kind === "unsent");
    if (unsent.length === 0) return { kind: "accepted", records: entries.map(({ record }) => record) };
    const requestIds = unsent.map(({ record }) => record.requestId).join();
    await Promise.all(unsent.map(({ record }) => index.add(record)));
    try {
      await sqs.send(
        new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, MessageGroupId: group }),
      );
    } catch (error) {
      console.error({
        event: "not queued",
        requestId: requestIds,
        code: errorName(error),
      });
      const records = await Promise.all(entries.map((entry) => this.#withdraw(entry)));
      // Records that have moved on show that the message arrived after all.
      return records.some((record) => record === undefined)
        ? { kind: "not-queued" }
        : { kind: "accepted", records: records.filter((record) => record !== undefined) };
    }
    console.info({ event: "queued", requestId: requestIds });
    const records = await Promise.all(
      entries.map((entry) =>
        entry.kind === "sent" ? entry.record : this.#confirm(entry.record, entry.etag),
      ),
    );
    return { kind: "accepted", records };
  }

  /** Closes what was not sent, as failed. Gives the record where it has moved on, or was sent before. */
  async #withdraw(entry: Entry): Promise<RequestRecord | undefined> {
    if (entry.kind === "sent") return entry.record;
    const { record, etag } = entry;
    const failed: FailedRecord = {
      ...record,
      status: "failed",
      reason: { code: "NotQueued", message: "the queue did not take the prompt: send the request again" },
      timings: { ...record.timings, finishedAt: new Date().toISOString() },
    };
    const closed = await this.#options.records.write(failed, { ifMatch: etag });
    return closed.written ? undefined : this.#present(record.requestId, closed.found).record;
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
        code: errorName(error),
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
