import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { isUnusable } from "../../functions/domain/model-exceptions.ts";
import {
  type FailedRecord,
  type GeneratingRecord,
  type RejectedRecord,
  type RequestRecord,
  recordKey,
  type SucceededRecord,
} from "../../functions/domain/record.ts";
import type { Cloud } from "../cloud.ts";
import { cannotWrite } from "../folder.ts";
import { describeWishes } from "../model/painter/words.ts";
import type { Arguments } from "./arguments.ts";
import { readRecord, recordChanges } from "./follow.ts";
import type { Progress } from "./progress.ts";
import type { Job } from "./prompts.ts";

export type PaintingOutcome = "painted" | "rejected" | "failed" | "interrupted";

/**
 * Sends the prompts through the queue and brings the pictures back, whatever becomes of the others.
 * @param stopped resolves when nothing is painted any more: what is not finished by then is given up
 */
export async function paintPrompts(
  cloud: Cloud,
  jobs: readonly Job[],
  given: Pick<Arguments, "output" | "bedrock">,
  progress: Progress,
  stopped: Promise<unknown>,
): Promise<PaintingOutcome[]> {
  let done = 0;
  return await Promise.all(
    jobs.map(async (job, index) => {
      const label = jobs.length === 1 ? "" : `${index + 1}/${jobs.length} `;
      const outcome = await new Painting(cloud, job, given, progress, label).run(stopped);
      done += 1;
      if (done < jobs.length) progress.status(`${done} of ${jobs.length} done`);
      return outcome;
    }),
  );
}

/** One prompt's way from the queue to a file. */
class Painting {
  readonly #cloud: Cloud;
  readonly #job: Job;
  readonly #given: Pick<Arguments, "output" | "bedrock">;
  readonly #progress: Progress;
  /** Tells this prompt's lines from those of the others. */
  readonly #label: string;
  #settled: Promise<PaintingOutcome> | undefined;

  constructor(
    cloud: Cloud,
    job: Job,
    given: Pick<Arguments, "output" | "bedrock">,
    progress: Progress,
    label: string,
  ) {
    this.#cloud = cloud;
    this.#job = job;
    this.#given = given;
    this.#progress = progress;
    this.#label = label;
  }

  async run(stopped: Promise<unknown>): Promise<PaintingOutcome> {
    const { queueUrl, keyPrefix, sqs, spy } = this.#cloud;
    const { body, requestId } = this.#job;
    const known =
      requestId === undefined ? undefined : await readRecord(this.#cloud, recordKey(keyPrefix, requestId));
    // The consumer only acknowledges what an earlier run has finished: no news of it would ever come.
    if (known?.status === "succeeded" || known?.status === "rejected") return this.#settle(known);

    const message = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body });
    const { MessageId = "" } = await sqs.send(message);
    this.#status("sent to the prompt queue");
    // A consumer that cannot even write the record leaves it to the queue to give the message up.
    const givenUp = spy.waitForMessageWithId(MessageId, "dlq").then(() => {
      this.#say("Failed: the message is in the dead-letter queue");
      return "failed" as const;
    });
    const id = requestId ?? MessageId;
    const unfinished = stopped.then(async () => {
      const record = await readRecord(this.#cloud, recordKey(keyPrefix, id));
      return isFinal(record) ? await this.#settle(record) : "interrupted";
    });
    return await Promise.race([this.#follow(id), givenUp, unfinished]);
  }

  async #follow(requestId: string): Promise<PaintingOutcome> {
    for await (const record of recordChanges(this.#cloud, requestId)) {
      if (record.status === "generating" && record.reason !== undefined && isUnusable(record.reason)) {
        const { code, message } = record.reason;
        this.#say(
          `Failed: ${message} (${code}). On AWS the prompt waits for its other tries; this cloud ends here.`,
        );
        return "failed";
      }
      if (record.status === "generating") this.#status(describePainting(record));
      else if (isFinal(record)) return await this.#settle(record);
    }
    throw new Error("The record stopped changing before the request came to an end.");
  }

  #settle(record: FinalRecord): Promise<PaintingOutcome> {
    this.#settled ??= this.#bringBack(record);
    return this.#settled;
  }

  async #bringBack(record: FinalRecord): Promise<PaintingOutcome> {
    if (record.status !== "succeeded") {
      this.#say(`${capitalised(record.status)}: ${record.reason.message} (${record.reason.code})`);
      return record.status;
    }
    const path = await download(this.#cloud, record, this.#given.output, this.#job.name);
    if (this.#given.bedrock === "local") this.#say(describeWishes(record.prompt, record.negativePrompt));
    this.#say(`Painted by ${record.model}, seed ${record.seed}, ${seconds(record)} s:`);
    this.#progress.result(path);
    return "painted";
  }

  #status(text: string): void {
    this.#progress.status(`${this.#label}${text}`);
  }

  #say(line: string): void {
    this.#progress.say(`${this.#label}${line}`);
  }
}

type FinalRecord = SucceededRecord | RejectedRecord | FailedRecord;

function isFinal(record: RequestRecord | undefined): record is FinalRecord {
  return record !== undefined && record.status !== "queued" && record.status !== "generating";
}

function describePainting(record: GeneratingRecord): string {
  if (record.lease !== null) return `painting (attempt ${record.attempts})`;
  return `waiting to try again${record.reason === undefined ? "" : `: ${record.reason.message} (${record.reason.code})`} (Ctrl-C gives up)`;
}

function seconds({ timings }: SucceededRecord): string {
  return ((Date.parse(timings.finishedAt) - Date.parse(timings.queuedAt)) / 1000).toFixed(1);
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

async function download(
  cloud: Cloud,
  record: SucceededRecord,
  folder: string,
  name: string,
): Promise<string> {
  const { bucket, key } = record.image;
  const { Body } = await cloud.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  const fileName = [name, record.requestId.slice(0, 8)].filter((part) => part !== "").join("-");
  const path = join(folder, `${fileName}.${record.outputFormat}`);
  await writeFile(path, bytes).catch((error: unknown) => {
    throw cannotWrite("--output", folder, error);
  });
  return path;
}
