import { GetObjectCommand, NoSuchKey } from "@aws-sdk/client-s3";
import type { MessageSpyReader, SpyMessage } from "fauxqs";
import { type RequestRecord, recordKey, recordSchema } from "../../functions/domain/record.ts";
import type { Cloud } from "../cloud.ts";

/** The record of a request as it is now; undefined while there is none. */
export async function readRecord(cloud: Cloud, key: string): Promise<RequestRecord | undefined> {
  try {
    const { Body } = await cloud.s3.send(new GetObjectCommand({ Bucket: cloud.bucket, Key: key }));
    return recordSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** The record of one request, each time that it changes. Changes in quick succession may come as one. */
export async function* recordChanges(cloud: Cloud, requestId: string): AsyncGenerator<RequestRecord> {
  const key = recordKey(cloud.keyPrefix, requestId);
  for await (const _ of uploads(cloud.spy, (uploaded) => uploaded === key)) {
    const record = await readRecord(cloud, key);
    if (record !== undefined) yield record;
  }
}

/** The keys of objects that are stored, as they are stored, those from before the call included. */
export async function* uploads(
  spy: MessageSpyReader,
  wanted: (key: string) => boolean,
): AsyncGenerator<string> {
  // The spy answers with what it has already seen as well: each event counts once.
  const seen = new WeakSet<SpyMessage>();
  while (true) {
    const event = await spy.waitForMessage(
      (message) => message.service === "s3" && wanted(message.key) && !seen.has(message),
      "uploaded",
    );
    seen.add(event);
    if (event.service === "s3") yield event.key;
  }
}
