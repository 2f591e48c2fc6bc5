import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import type { ConditionalStore } from "./object-store.ts";
import type { Origin, RequestRecord } from "./record.ts";

/** Times are counted down from this one, in milliseconds since the epoch: S3 lists keys in order, so the newest is first. */
const END_OF_TIME = 9_999_999_999_999;
const ENTRY = /^\d{13}-[A-Za-z0-9_-]{1,64}$/;

/** Whether a text can be the name of an entry. */
export function isEntry(text: string): boolean {
  return ENTRY.test(text);
}

/** The request of an entry. */
export function requestIdIn(entry: string): string {
  return entry.slice(String(END_OF_TIME).length + 1);
}

/** Where the entries of all owners are. */
export function indexFolder(keyPrefix: string): string {
  return `${keyPrefix}index/`;
}

function ownersFolder(keyPrefix: string, owner: string | undefined): string {
  return `${indexFolder(keyPrefix)}${owner ?? "nobody"}/`;
}

/** The requests of each owner, in the order of their creation: objects without content, whose keys say it all. */
export class RequestIndex {
  readonly #store: Pick<ConditionalStore, "put">;
  readonly #keyPrefix: string;

  /** @param keyPrefix put before every key; empty or ending in `/` */
  constructor(store: Pick<ConditionalStore, "put">, keyPrefix: string) {
    this.#store = store;
    this.#keyPrefix = keyPrefix;
  }

  /** Adds a request. The key follows from what never changes in a record, so adding it again changes nothing. */
  async add(record: RequestRecord): Promise<void> {
    const key = indexKey(this.#keyPrefix, record);
    if (key === undefined || record.status === "deleted") return;
    await this.#store.put(key, { body: "", contentType: "text/plain" }, { ifNoneMatch: "*" });
  }
}

/** The key of a record's entry; undefined for records from before there was an index. */
export function indexKey(
  keyPrefix: string,
  { owner, createdAt, requestId }: Origin & { readonly requestId: string },
): string | undefined {
  if (createdAt === undefined) return undefined;
  return `${ownersFolder(keyPrefix, owner)}${END_OF_TIME - Date.parse(createdAt)}-${requestId}`;
}

export interface IndexPage {
  /** The newest first. */
  readonly entries: readonly string[];
  readonly isLast: boolean;
}

/**
 * Reads a page of an owner's entries, with one call of S3.
 * @param after the entry after which the page begins; undefined: the newest entry is the first
 */
export async function readIndexPage(
  s3: S3Client,
  place: { readonly bucket: string; readonly keyPrefix: string },
  owner: string | undefined,
  limit: number,
  after?: string,
): Promise<IndexPage> {
  const folder = ownersFolder(place.keyPrefix, owner);
  const { Contents = [], IsTruncated = false } = await s3.send(
    new ListObjectsV2Command({
      Bucket: place.bucket,
      Prefix: folder,
      MaxKeys: limit,
      ...(after !== undefined && { StartAfter: `${folder}${after}` }),
    }),
  );
  return { entries: Contents.map(({ Key = "" }) => Key.slice(folder.length)), isLast: !IsTruncated };
}
