import type { Images } from "./images.ts";
import type { ConditionalStore } from "./object-store.ts";
import {
  askedOf,
  type CancelledRecord,
  type DeletedRecord,
  type GeneratingRecord,
  imageKey,
  isClosed,
  originOf,
  type QueuedRecord,
  type RequestRecord,
  recordKey,
} from "./record.ts";
import type { RecordStore, VersionedRecord } from "./record-store.ts";
import { indexKey } from "./request-index.ts";
import { OUTPUT_FORMATS } from "./request-limits.ts";

/** What became of the wish to cancel a request, or to delete it. */
export type Withdrawal =
  /** The record says so, since now or since earlier. */
  | { readonly kind: "withdrawn"; readonly record: CancelledRecord | DeletedRecord }
  /** A model is at work on it, which cannot be stopped. */
  | { readonly kind: "painting"; readonly until: Date }
  /** It has ended otherwise: there is nothing to cancel. */
  | { readonly kind: "finished" }
  /** There is no such record. */
  | { readonly kind: "unknown" };

export interface WithdrawOptions {
  readonly store: ConditionalStore;
  readonly records: RecordStore;
  readonly images: Images;
  /** Put before every key; empty or ending in `/`. */
  readonly keyPrefix: string;
  readonly codeVersion: string;
  /** Whether to close an id that has no record: its message may still be on the queue. */
  readonly ifUnknown: "close" | "leave";
}

/** How often a record is written again that somebody else changes at the same time. */
const MOST_WRITES = 6;

/** Makes sure that a request that waits is never painted. A request that is being painted or has ended stays as it is. */
export async function cancelRequest(requestId: string, options: WithdrawOptions): Promise<Withdrawal> {
  return withdraw(requestId, options, async (record) => {
    if (record === undefined) return { write: cancelled({ requestId, attempts: 0, timings: {} }, options) };
    if (record.status === "cancelled") return { is: { kind: "withdrawn", record } };
    if (isClosed(record) || record.status === "failed") return { is: { kind: "finished" } };
    const until = leaseEnd(record);
    if (until > Date.now()) return { is: { kind: "painting", until: new Date(until) } };
    // Who held the lease before may have died after it had stored the picture, which the next delivery adopts.
    const wasTried = record.attempts > 0 || until > 0;
    if (wasTried && (await options.images.find(record)) !== undefined) return { is: { kind: "finished" } };
    return { write: cancelled({ ...askedOf(record), ...historyOf(record) }, options) };
  });
}

/**
 * Erases a request: its record becomes a mark that says no more than whose it was and when, then every other version of
 * its record, its picture and its entry in the index is deleted. A repeat completes what was interrupted.
 */
export async function deleteRequest(requestId: string, options: WithdrawOptions): Promise<Withdrawal> {
  const result = await withdraw(requestId, options, async (record) => {
    if (record?.status === "deleted") return { is: { kind: "withdrawn", record } };
    const until = record === undefined ? 0 : leaseEnd(record);
    if (until > Date.now()) return { is: { kind: "painting", until: new Date(until) } };
    const origin = record === undefined ? {} : originOf(record);
    return { write: { requestId, status: "deleted", ...origin, deletedAt: new Date().toISOString() } };
  });
  if (result.kind === "withdrawn") await eraseVersions(result.record, options);
  return result;
}

type Decision = { readonly write: CancelledRecord | DeletedRecord } | { readonly is: Withdrawal };

async function withdraw(
  requestId: string,
  { records, ifUnknown }: WithdrawOptions,
  decide: (record: RequestRecord | undefined) => Promise<Decision>,
): Promise<Withdrawal> {
  let found: VersionedRecord | undefined = await records.read(requestId);
  for (let writes = 0; writes < MOST_WRITES; writes++) {
    if (found === undefined && ifUnknown === "leave") return { kind: "unknown" };
    const decision = await decide(found?.record);
    if ("is" in decision) return decision.is;
    const result = await records.write(
      decision.write,
      found === undefined ? { ifNoneMatch: "*" } : { ifMatch: found.etag },
    );
    if (result.written) return { kind: "withdrawn", record: decision.write };
    found = result.found;
  }
  throw new Error(`the record of ${requestId} changes all the time`);
}

/**
 * Deletes by version id: a delete without one only hides an object behind a marker. In a bucket that keeps no versions,
 * each object has the version `null`.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
 */
async function eraseVersions(
  record: CancelledRecord | DeletedRecord,
  { store, keyPrefix }: WithdrawOptions,
): Promise<void> {
  const { requestId } = record;
  const mark = recordKey(keyPrefix, requestId);
  const images = OUTPUT_FORMATS.map((outputFormat) => imageKey(keyPrefix, { requestId, outputFormat }));
  for (const key of [mark, ...images, indexKey(keyPrefix, record) ?? []].flat()) {
    for await (const versions of store.listVersions(key)) {
      const old = versions.filter(({ isLatest }) => key !== mark || !isLatest);
      await Promise.all(old.map(({ id }) => store.deleteVersion(key, id)));
    }
  }
}

/** When the lease of a request ends, in milliseconds since the epoch; 0 where nobody holds one. */
function leaseEnd(record: RequestRecord): number {
  return record.status === "generating" && record.lease !== null ? Date.parse(record.lease.expiresAt) : 0;
}

function historyOf(record: QueuedRecord | GeneratingRecord) {
  return { ...originOf(record), attempts: record.attempts, timings: record.timings };
}

function cancelled(
  from: Omit<CancelledRecord, "status" | "codeVersion" | "timings"> & { timings: object },
  { codeVersion }: WithdrawOptions,
): CancelledRecord {
  const timings = { ...from.timings, finishedAt: new Date().toISOString() };
  return { ...from, status: "cancelled", timings, codeVersion };
}
