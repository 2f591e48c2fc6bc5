import { GetObjectCommand, NoSuchKey, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import pMap from "p-map";
import { type RequestRecord, recordKey, recordSchema } from "../functions/domain/record.ts";
import { requestIdSchema } from "../functions/domain/request.ts";
import { indexFolder, readIndexPage, requestIdIn } from "../functions/domain/request-index.ts";
import { ClientError, EXIT, interrupted, usageError } from "./exit.ts";
import type { ImagePlace, Pipeline } from "./pipeline.ts";

const READS_AT_ONCE = 10;

/** A request id from the command line. */
export function parseRequestId(text: string): string {
  const parsed = requestIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw usageError(`${text} is not a request id: it ${parsed.error.issues[0]?.message}.`);
}

/** What the bucket knows of a request; undefined while nobody has begun with it. */
export async function readRecord(pipeline: Pipeline, requestId: string): Promise<RequestRecord | undefined> {
  const { bucket, keyPrefix } = await pipeline.imagePlace();
  return (await readObject(pipeline, bucket, recordKey(keyPrefix, requestId)))?.record;
}

/** A record, and when it was changed last. */
export interface ListedRecord {
  readonly record: RequestRecord;
  /** As ISO 8601. */
  readonly changedAt: string;
}

/**
 * The newest requests, the newest first: of one owner, or of all.
 * @param owner as in its records, or `nobody`
 */
export async function newestRecords(
  pipeline: Pipeline,
  count: number,
  owner?: string,
): Promise<ListedRecord[]> {
  const place = await pipeline.imagePlace();
  const owners = owner === undefined ? await readOwners(pipeline, place) : [owner];
  const pages = await pMap(owners, (each) => readIndexPage(pipeline.s3, place, each, count), {
    concurrency: READS_AT_ONCE,
  });
  // An entry begins with its time, counted down.
  const newest = pages.flatMap(({ entries }) => entries).toSorted();
  const records = await pMap(
    newest.slice(0, count),
    async (entry) => {
      const found = await readObject(pipeline, place.bucket, recordKey(place.keyPrefix, requestIdIn(entry)));
      return found === undefined ? [] : [found];
    },
    { concurrency: READS_AT_ONCE },
  );
  return records.flat();
}

/** Everybody who has a request. */
async function readOwners({ s3 }: Pipeline, { bucket, keyPrefix }: ImagePlace): Promise<string[]> {
  const folder = indexFolder(keyPrefix);
  const owners: string[] = [];
  for await (const { CommonPrefixes = [] } of paginateListObjectsV2(
    { client: s3 },
    { Bucket: bucket, Prefix: folder, Delimiter: "/" },
  )) {
    interrupted.throwIfAborted();
    owners.push(...CommonPrefixes.map(({ Prefix = "" }) => Prefix.slice(folder.length, -1)));
  }
  return owners;
}

async function readObject(
  pipeline: Pipeline,
  bucket: string,
  key: string,
): Promise<ListedRecord | undefined> {
  try {
    const { Body, LastModified } = await pipeline.s3.send(
      new GetObjectCommand({ Bucket: bucket, Key: key }),
      { abortSignal: interrupted },
    );
    const record = parseRecord((await Body?.transformToString()) ?? "", `s3://${bucket}/${key}`);
    return { record, changedAt: LastModified?.toISOString() ?? "" };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

function parseRecord(text: string, place: string): RequestRecord {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    throw new ClientError(`${place} is not a record that this client knows. Use a newer one.`, EXIT.failed);
  }
}

/** Where a request is, in one line. Never the prompt: what is typed may be shown to others. */
export function describe(record: RequestRecord): string {
  switch (record.status) {
    case "queued":
      return "queued";
    case "generating":
      if (record.lease === null) {
        return `waiting to try again${record.reason === undefined ? "" : ` (${record.reason.code})`}`;
      }
      return Date.parse(record.lease.expiresAt) > Date.now()
        ? `being painted, attempt ${record.attempts}`
        : `its owner died on attempt ${record.attempts}`;
    case "succeeded":
      return `s3://${record.image.bucket}/${record.image.key}`;
    case "cancelled":
      return "nobody will paint it";
    case "expired":
      return `not painted before its deadline, ${record.expiresAt}`;
    case "deleted":
      return "its prompt and its picture are erased";
    case "rejected":
    case "failed":
      return `${record.reason.code}: ${record.reason.message}`;
  }
}
