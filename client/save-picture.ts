import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { SucceededRecord } from "../functions/domain/record.ts";
import { ClientError, EXIT, interrupted } from "./exit.ts";
import { systemReason } from "./files.ts";
import type { Pipeline } from "./pipeline.ts";

export interface SavedPicture {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Downloads a request's picture.
 * @param output a folder that exists, for a file named after the request; or the file itself
 */
export async function savePicture(
  pipeline: Pipeline,
  record: SucceededRecord,
  output: string,
): Promise<SavedPicture> {
  const { bucket, key } = record.image;
  const { Body } = await pipeline.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), {
    abortSignal: interrupted,
  });
  if (Body === undefined) throw new ClientError(`s3://${bucket}/${key} is empty.`, EXIT.failed);
  const bytes = await Body.transformToByteArray();
  const path = (await isFolder(output)) ? join(output, `${record.requestId}.${record.outputFormat}`) : output;
  try {
    await writeWhole(path, bytes);
  } catch (error) {
    throw new ClientError(
      `Cannot save the picture as ${path}: ${systemReason(error)}. Choose another place with --output; image-generator-client wait ${record.requestId} fetches it without painting it again.`,
      EXIT.failed,
    );
  }
  return { path, bytes };
}

/** Whether a path is a folder; a path that is nothing yet is none. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** Writes a file that is either there with all its bytes or not there at all. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  try {
    const file = await open(draft, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
