import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import type { VisibleRecord } from "../domain/record.ts";
import type { RecordStore } from "../domain/record-store.ts";
import { isEntry, readIndexPage, requestIdIn } from "../domain/request-index.ts";
import type { RequestView } from "./request-view.ts";

/** The most requests on a page, and the most that are looked at for one: so many reads of S3 at most. */
export const LONGEST_PAGE = 100;
export const USUAL_PAGE = 24;

/** What a caller wants to see of the list. */
export interface PageQuery {
  readonly limit: number;
  /** The entry after which the page begins. */
  readonly after: string | undefined;
  readonly status: RequestView["status"] | undefined;
}

export interface RequestPage {
  readonly records: readonly VisibleRecord[];
  /** The cursor of the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface RequestListOptions {
  readonly s3: S3Client;
  readonly place: { readonly bucket: string; readonly keyPrefix: string };
  readonly records: RecordStore;
}

/** Reads a page of an owner's requests. With a status it looks at a limited number of requests, and may find fewer. */
export async function readPage(
  owner: string,
  { limit, after, status }: PageQuery,
  { s3, place, records }: RequestListOptions,
): Promise<RequestPage> {
  const looked = status === undefined ? limit : LONGEST_PAGE;
  const { entries, isLast } = await readIndexPage(s3, place, owner, looked, after);
  const read = await Promise.all(
    entries.map(async (entry) => ({ entry, record: (await records.read(requestIdIn(entry)))?.record })),
  );
  const found = read.flatMap(({ entry, record }) =>
    record?.owner === owner && record.status !== "deleted" && record.status === (status ?? record.status)
      ? [{ entry, record }]
      : [],
  );
  const shown = found.slice(0, limit);
  const last = found.length > limit ? shown.at(-1)?.entry : isLast ? undefined : entries.at(-1);
  return { records: shown.map(({ record }) => record), next: last && toCursor(owner, last) };
}

/** A cursor is an entry, sealed for its owner: it tells nobody else's list from one that was made up. */
function toCursor(owner: string, entry: string): string {
  return Buffer.from(`${sealOf(owner, entry)}${entry}`).toString("base64url");
}

/** The entry of a cursor; undefined where it was not made for this owner. */
export function readCursor(owner: string, cursor: string): string | undefined {
  const text = Buffer.from(cursor, "base64url").toString();
  const entry = text.slice(SEAL_LENGTH);
  return isEntry(entry) && toCursor(owner, entry) === cursor ? entry : undefined;
}

const SEAL_LENGTH = 16;

function sealOf(owner: string, entry: string): string {
  return createHash("sha256").update(`${owner}\0${entry}`).digest("hex").slice(0, SEAL_LENGTH);
}
