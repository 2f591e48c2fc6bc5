import type { ConditionalStore, WriteCondition } from "./object-store.ts";
import { type RequestRecord, recordKey, recordSchema } from "./record.ts";

/** The record in the bucket is not one that this code can read. */
export class UnreadableRecordError extends Error {
  override readonly name = "UnreadableRecordError";
}

/** A record, and the version of it that was read. */
export interface VersionedRecord {
  readonly record: RequestRecord;
  readonly etag: string;
}

export type RecordWrite =
  | { readonly written: true; readonly etag: string }
  /** The condition did not hold: this is what is there instead. */
  | { readonly written: false; readonly found: VersionedRecord | undefined };

/** The records in the bucket. */
export class RecordStore {
  readonly #store: ConditionalStore;
  readonly #keyPrefix: string;

  /** @param keyPrefix put before every key; empty or ending in `/` */
  constructor(store: ConditionalStore, keyPrefix: string) {
    this.#store = store;
    this.#keyPrefix = keyPrefix;
  }

  /** `undefined` where there is no such record. Throws {@link UnreadableRecordError}. */
  async read(requestId: string): Promise<VersionedRecord | undefined> {
    const key = recordKey(this.#keyPrefix, requestId);
    const found = await this.#store.getText(key);
    if (found === undefined) return undefined;
    return { record: parseRecord(key, found.text), etag: found.etag };
  }

  /** Throws {@link UnreadableRecordError} where another record stands in the way that cannot be read. */
  async write(record: RequestRecord, condition: WriteCondition): Promise<RecordWrite> {
    const key = recordKey(this.#keyPrefix, record.requestId);
    const text = JSON.stringify(record);
    const result = await this.#store.put(key, { body: text, contentType: "application/json" }, condition);
    if (result.written) return result;
    const found = await this.#store.getText(key);
    // A write whose answer got lost is sent again by the SDK and then meets its own first try. Every record is
    // unique (lease owner, seed, time stamps), so the same text means that it was ours.
    if (found?.text === text) return { written: true, etag: found.etag };
    return { written: false, found: found && { record: parseRecord(key, found.text), etag: found.etag } };
  }
}

/** Reads a record's JSON. Throws {@link UnreadableRecordError} naming the key and the fields that are wrong. */
export function parseRecord(key: string, text: string): RequestRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UnreadableRecordError(`${key} is not JSON`, { cause });
  }
  const result = recordSchema.safeParse(json);
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new UnreadableRecordError(`${key} is not a request record: ${fields.join("; ")}`);
}
