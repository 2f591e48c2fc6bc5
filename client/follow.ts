import { setTimeout } from "node:timers/promises";
import {
  type ClosedRecord,
  type FailedRecord,
  isClosed,
  type RequestRecord,
} from "../functions/domain/record.ts";
import { EXIT, type ExitCode, interrupted } from "./exit.ts";
import type { JsonOption } from "./options.ts";
import { print, printJson, remark, write } from "./output.ts";
import type { Pipeline } from "./pipeline.ts";
import { describe, readRecord } from "./records.ts";
import { savePicture } from "./save-picture.ts";
import { terminalPicture } from "./show-picture.ts";
import type { StatusLine } from "./status-line.ts";

export interface FollowOptions extends JsonOption {
  /** A folder that exists, or a file. */
  readonly output: string;
  /** How long to wait, in seconds. */
  readonly timeout: number;
}

/** Time between two looks at a record. */
const LOOK_EVERY_MS = 1000;

/**
 * Waits for the end of a request, saves its picture and shows it.
 * @param earlierFailure when it had failed before it was sent again: that is not the end to wait for
 */
export async function follow(
  pipeline: Pipeline,
  requestId: string,
  options: FollowOptions,
  line: StatusLine,
  earlierFailure?: string,
): Promise<ExitCode> {
  const record = await waitForEnd(pipeline, requestId, options.timeout, line, earlierFailure);
  if (record === undefined) {
    remark(
      `${requestId}: not finished after ${options.timeout} s. Wait on with: image-generator-client wait ${requestId}`,
    );
    return EXIT.timedOut;
  }
  if (record.status !== "succeeded") {
    if (options.json) await printJson(record);
    const endedAt = record.status === "deleted" ? record.deletedAt : record.timings.finishedAt;
    remark(`${requestId} ${record.status} at ${endedAt}: ${describe(record)}`);
    return record.status === "failed" ? EXIT.failed : EXIT.rejected;
  }
  const { path, bytes } = await savePicture(pipeline, record, options.output);
  if (options.json) {
    await printJson({ ...record, path });
    return EXIT.done;
  }
  await print(requestId, path);
  const picture = terminalPicture({ bytes, format: record.outputFormat }, process.env);
  if (process.stdout.isTTY && picture !== undefined) await write(picture);
  return EXIT.done;
}

/** The record once nothing more comes; undefined when the time is up first. */
async function waitForEnd(
  pipeline: Pipeline,
  requestId: string,
  timeoutSeconds: number,
  line: StatusLine,
  earlierFailure: string | undefined,
): Promise<ClosedRecord | FailedRecord | undefined> {
  const endsAt = Date.now() + timeoutSeconds * 1000;
  try {
    while (true) {
      const found = await readRecord(pipeline, requestId);
      const isEarlier = found?.status === "failed" && found.timings.finishedAt === earlierFailure;
      const record = isEarlier ? undefined : found;
      if (record !== undefined && (isClosed(record) || record.status === "failed")) return record;
      line.show(`${requestId}: ${await whereItIs(pipeline, record)}`);
      const left = endsAt - Date.now();
      if (left <= 0) return undefined;
      await setTimeout(Math.min(LOOK_EVERY_MS, left), undefined, { signal: interrupted });
    }
  } finally {
    line.stop();
  }
}

/** Where an unfinished request is. A standard queue keeps no order, so all that wait count as ahead. */
export async function whereItIs(pipeline: Pipeline, record: RequestRecord | undefined): Promise<string> {
  if (record !== undefined && record.status !== "queued") return describe(record);
  const { visible, hidden } = await pipeline.depth();
  return `in the queue; about ${visible} waiting, ${hidden} being painted`;
}

/** The exit code that says the most about several requests. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  const order = [EXIT.failed, EXIT.timedOut, EXIT.rejected];
  return order.find((code) => codes.includes(code)) ?? EXIT.done;
}
