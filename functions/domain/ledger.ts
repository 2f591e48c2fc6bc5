import { randomUUID } from "node:crypto";
import type { Claim, ClaimResult } from "./claim.ts";
import type { Images, PaintedImage } from "./images.ts";
import type { ConditionalStore } from "./object-store.ts";
import {
  type AskedRequest,
  askedOf,
  type CancelledRecord,
  type ClosedRecord,
  type DeletedRecord,
  drawSeed,
  type ExpiredRecord,
  expiryOf,
  type FailedRecord,
  type GeneratingRecord,
  isClosed,
  isExpired,
  type Origin,
  originOf,
  type Reason,
  type RejectedRecord,
  type RequestRecord,
  type SucceededRecord,
} from "./record.ts";
import { RecordStore, type RecordWrite, UnreadableRecordError } from "./record-store.ts";
import type { IdentifiedRequest } from "./request.ts";
import { isSameRequest } from "./same-request.ts";

/** The record changed under its owner: the lease ended and another delivery took the request over. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

export interface LedgerOptions {
  readonly store: ConditionalStore;
  readonly images: Images;
  /** Put before every key; empty or ending in `/`. */
  readonly keyPrefix: string;
  /** How long a claim holds, in milliseconds: longer than its owner can live. */
  readonly leaseMs: number;
  readonly codeVersion: string;
}

/** How often a claim is tried again when the record changes between our read and our write. */
const MAX_RACES = 5;

/**
 * The records of all requests. Every change is an S3 conditional write, so that of two deliveries of one request
 * only one can own it at a time.
 */
export class Ledger {
  readonly #records: RecordStore;
  readonly #images: Images;
  readonly #leaseMs: number;
  readonly #codeVersion: string;

  constructor(options: LedgerOptions) {
    this.#records = new RecordStore(options.store, options.keyPrefix);
    this.#images = options.images;
    this.#leaseMs = options.leaseMs;
    this.#codeVersion = options.codeVersion;
  }

  /**
   * Takes the right to paint a request.
   * @param request where it names no seed, one is drawn if the request is new
   * @param sentAt when the prompt was first sent; counts only if the request is new
   * @param owner who sent it; counts only if the request is new: an operator who redrives it does not become its owner
   */
  async claim(request: IdentifiedRequest, sentAt: Date, owner?: string): Promise<ClaimResult> {
    const createdAt = sentAt.toISOString();
    const asked = {
      ...request,
      owner,
      createdAt,
      seed: request.seed ?? drawSeed(),
      expiresAt: expiryOf(request, sentAt),
      timings: { queuedAt: createdAt },
    };
    const first = isExpired(asked) ? this.#expired(asked, 0) : this.#generating(asked, 1);
    let result: RecordWrite = { written: false, found: undefined };
    for (let race = 0; race <= MAX_RACES; race++) {
      if (result.found === undefined) {
        // There is none, as far as is known: it may also have been deleted since it was read.
        result = await this.#records.write(first, { ifNoneMatch: "*" });
        if (result.written) return claimed(first, result.etag, "new");
        if (result.found === undefined) continue;
      }
      const { record, etag } = result.found;
      if (!isSameRequest(request, record)) return { kind: "taken" };
      if (isClosed(record)) return { kind: "closed", record };
      const lease = record.status === "generating" ? record.lease : null;
      if (lease !== null && Date.parse(lease.expiresAt) > Date.now()) {
        return { kind: "leased", until: new Date(lease.expiresAt) };
      }
      if (record.attempts > 0 || lease !== null) {
        const adopted = await this.#adopt(record, etag);
        if (adopted !== undefined) return { kind: "adopted", record: adopted };
      }
      const next = isExpired(record)
        ? this.#expired(record, record.attempts)
        : this.#generating(record, record.attempts + 1);
      result = await this.#records.write(next, { ifMatch: etag });
      if (result.written) {
        const origin = lease !== null ? "abandoned" : record.attempts > 0 ? "again" : "first";
        return claimed(next, result.etag, origin);
      }
    }
    return { kind: "leased", until: new Date(Date.now() + this.#leaseMs) };
  }

  /** Records the picture. */
  async succeed(claim: Claim, painted: PaintedImage): Promise<SucceededRecord> {
    const record = this.#succeeded(claim.record, painted);
    await this.#close(claim, record);
    return record;
  }

  /** Refuses the request for good; `body` is the message as it came. */
  async reject(claim: Claim, reason: Reason, body: string): Promise<RejectedRecord> {
    const { requestId, attempts, timings } = claim.record;
    const history = { ...originOf(claim.record), attempts, timings };
    const record = this.#rejected(requestId, reason, body, history);
    await this.#close(claim, record);
    return record;
  }

  /** The record of a request that could not be painted. */
  failure({ record: { lease: _, ...asked } }: Claim, reason: Reason): FailedRecord {
    const timings = { ...asked.timings, finishedAt: new Date().toISOString() };
    return { ...asked, status: "failed", reason, timings };
  }

  /** Records that painting failed. The request can be claimed again, by a later delivery. */
  async fail(claim: Claim, failure: FailedRecord): Promise<void> {
    await this.#close(claim, failure);
  }

  /**
   * Gives the request back, so that the next delivery need not wait for the lease to end.
   * @param options `tried`: whether this was a real try, which counts as an attempt
   */
  async release(claim: Claim, reason: Reason, options: { readonly tried: boolean }): Promise<void> {
    const attempts = claim.record.attempts - (options.tried ? 0 : 1);
    await this.#close(claim, { ...claim.record, attempts, lease: null, reason });
  }

  /**
   * Closes a request whose deadline has passed since it was claimed.
   * @param options `tried`: whether a model was called before
   */
  async expire({ record, etag }: Claim, options: { readonly tried: boolean }): Promise<ExpiredRecord> {
    const expired = this.#expired(record, record.attempts - (options.tried ? 0 : 1));
    await this.#close({ etag }, expired);
    return expired;
  }

  /**
   * Records a message that can be no request, without ever touching the record of another one: where the id that
   * the message asks for is taken, the record is kept under the message's own id. A request that was cancelled or
   * deleted stays so.
   */
  async rejectUnread(
    message: {
      readonly id: string;
      readonly body: string;
      readonly sentAt: Date;
      readonly owner?: string | undefined;
    },
    requestedId: string | undefined,
    reason: Reason,
  ): Promise<RejectedRecord | CancelledRecord | DeletedRecord> {
    for (const requestId of requestedId === undefined ? [message.id] : [requestedId, message.id]) {
      const createdAt = message.sentAt.toISOString();
      const history = { owner: message.owner, createdAt, attempts: 0, timings: { queuedAt: createdAt } };
      const record = this.#rejected(requestId, reason, message.body, history);
      const result = await this.#records.write(record, { ifNoneMatch: "*" });
      if (result.written) return record;
      const found = result.found?.record;
      if (found?.status === "rejected" && found.body === message.body) return found;
      // A late delivery: a record under another id would bring back what was erased.
      if (found?.status === "deleted" || found?.status === "cancelled") return found;
    }
    throw new UnreadableRecordError(`the record of ${message.id} belongs to another request`);
  }

  async #adopt(record: Exclude<RequestRecord, ClosedRecord>, etag: string) {
    const painted = await this.#images.find(record);
    if (painted === undefined) return undefined;
    const adopted = this.#succeeded(record, painted);
    const { written } = await this.#records.write(adopted, { ifMatch: etag });
    return written ? adopted : undefined;
  }

  #generating(
    from: AskedRequest & Origin & { timings: { queuedAt: string } },
    attempts: number,
  ): GeneratingRecord {
    const now = Date.now();
    return {
      ...askedOf(from),
      ...originOf(from),
      status: "generating",
      attempts,
      timings: { queuedAt: from.timings.queuedAt, startedAt: new Date(now).toISOString() },
      lease: { owner: randomUUID(), expiresAt: new Date(now + this.#leaseMs).toISOString() },
      codeVersion: this.#codeVersion,
    };
  }

  #expired(
    from: AskedRequest &
      Origin & {
        timings: { queuedAt: string; startedAt?: string | undefined };
        reason?: Reason | undefined;
      },
    attempts: number,
  ): ExpiredRecord {
    return {
      ...askedOf(from),
      ...originOf(from),
      status: "expired",
      attempts,
      timings: { ...from.timings, finishedAt: new Date().toISOString() },
      ...(from.reason && { reason: from.reason }),
      codeVersion: this.#codeVersion,
    };
  }

  #succeeded(
    from: AskedRequest &
      Origin & { attempts: number; timings: { queuedAt: string; startedAt?: string | undefined } },
    painted: PaintedImage,
  ): SucceededRecord {
    const now = new Date().toISOString();
    return {
      ...askedOf(from),
      ...originOf(from),
      status: "succeeded",
      seed: painted.seed,
      attempts: from.attempts,
      model: painted.model,
      region: painted.region,
      image: painted.image,
      timings: {
        queuedAt: from.timings.queuedAt,
        startedAt: from.timings.startedAt ?? now,
        finishedAt: now,
        modelMs: painted.modelMs,
      },
      costUsd: painted.costUsd,
      codeVersion: this.#codeVersion,
    };
  }

  #rejected(
    requestId: string,
    reason: Reason,
    body: string,
    { timings, ...history }: Origin & { attempts: number; timings: { queuedAt: string; startedAt?: string } },
  ): RejectedRecord {
    return {
      ...history,
      requestId,
      status: "rejected",
      reason,
      body,
      timings: { ...timings, finishedAt: new Date().toISOString() },
      codeVersion: this.#codeVersion,
    };
  }

  async #close({ etag }: Pick<Claim, "etag">, record: RequestRecord): Promise<void> {
    const { written } = await this.#records.write(record, { ifMatch: etag });
    if (!written) {
      throw new LeaseLostError(`the record of ${record.requestId} was taken over by another delivery`);
    }
  }
}

function claimed(
  record: GeneratingRecord | ExpiredRecord,
  etag: string,
  origin: Claim["origin"],
): ClaimResult {
  if (record.status === "expired") return { kind: "closed", record };
  return { kind: "claimed", claim: { record, etag, origin } };
}
