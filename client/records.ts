import { GetObjectCommand, ListObjectsV2Command, NoSuchKey } from "@aws-sdk/client-s3";
import pMap from "p-map";
import { type RequestRecord, recordKey, recordSchema } from "../functions/domain/record.ts";
import { requestIdSchema } from "../functions/domain/request.ts";
import { ClientError, EXIT, interrupted, usageError } from "./exit.ts";
import type { Pipeline } from "./pipeline.ts";

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
  return readRecordAt(pipeline, bucket, recordKey(keyPrefix, requestId));
}

/** A record, and when it was changed last. */
export interface ListedRecord {
  readonly record: RequestRecord;
  /** As ISO 8601. */
  readonly changedAt: string;
}

/**
 * The records that changed last, the last one first. S3 lists by name, so all names are read to find them; no more than the wanted
 * ones are kept.
 */
export async function newestRecords(pipeline: Pipeline, count: number): Promise<ListedRecord[]> {
  const { bucket, keyPrefix } = await pipeline.imagePlace();
  let newest: { readonly key: string; readonly changedAt: number }[] = [];
  let page: string | undefined;
  do {
    const { Contents = [], NextContinuationToken } = await pipeline.s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: `${keyPrefix}requests/`,
        ...(page !== undefined && { ContinuationToken: page }),
      }),
      { abortSignal: interrupted },
    );
    const found = Contents.map(({ Key = "", LastModified }) => ({
      key: Key,
      changedAt: LastModified?.getTime() ?? 0,
    }));
    newest = [...newest, ...found].sort((a, b) => b.changedAt - a.changedAt).slice(0, count);
    page = NextContinuationToken;
  } while (page !== undefined);
  const records = await pMap(
    newest,
    async ({ key, changedAt }) => {
      const record = await readRecordAt(pipeline, bucket, key);
      return record === undefined ? [] : [{ record, changedAt: new Date(changedAt).toISOString() }];
    },
    { concurrency: READS_AT_ONCE },
  );
  return records.flat();
}

async function readRecordAt(
  pipeline: Pipeline,
  bucket: string,
  key: string,
): Promise<RequestRecord | undefined> {
  let text: string | undefined;
  try {
    const { Body } = await pipeline.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), {
      abortSignal: interrupted,
    });
    text = await Body?.transformToString();
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
  return parseRecord(text ?? "", `s3://${bucket}/${key}`);
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
