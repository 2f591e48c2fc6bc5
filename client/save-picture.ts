import { mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { SucceededRecord } from "../functions/domain/record.ts";
import { ClientError, EXIT, interrupted, usageError } from "./exit.ts";
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

/**
 * Makes the folder that pictures go to, before anything is painted. A path that is nothing yet becomes a folder if it
 * ends with a slash or has to hold several pictures; otherwise it is a file's.
 * @param count how many pictures there will be; undefined while nobody knows
 */
export async function makeOutputFolder(output: string, count: number | undefined): Promise<void> {
  const stats = await stat(output).catch(() => undefined);
  if (stats?.isFile() && count !== 1) {
    throw usageError(`${output} is a file. For several pictures, name a folder with --output.`);
  }
  const isFile = stats === undefined ? count === 1 && !output.endsWith("/") : !(await isFolder(output));
  try {
    await makeFolder(resolve(isFile ? dirname(output) : output));
  } catch (error) {
    throw usageError(`Cannot make ${output}: ${systemReason(error)}. Choose another place with --output.`);
  }
}

/** Makes a folder and what is missing above it. Node.js does that by itself, but never ends below /proc. */
async function makeFolder(path: string): Promise<void> {
  if (await stat(path).catch(() => undefined)) return;
  await makeFolder(dirname(path));
  await mkdir(path);
}

/** Whether a path is a folder. Throws a usage error for a device or a pipe, which the picture would replace. */
async function isFolder(output: string): Promise<boolean> {
  const stats = await stat(output).catch(() => undefined);
  if (stats === undefined || stats.isFile()) return false;
  if (stats.isDirectory()) return true;
  throw usageError(`${output} is neither a file nor a folder. Name one with --output.`);
}

/** Writes a file that is either there with all its bytes or not there at all; where it is a link, the file behind it. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const draft = `${target}.${process.pid}.part`;
  try {
    const file = await open(draft, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
