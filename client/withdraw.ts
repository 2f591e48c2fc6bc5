import { open } from "node:fs/promises";
import { Command } from "commander";
import pMap from "p-map";
import { Images } from "../functions/domain/images.ts";
import { ObjectStore } from "../functions/domain/object-store.ts";
import { RecordStore } from "../functions/domain/record-store.ts";
import { cancelRequest, deleteRequest, type Withdrawal } from "../functions/domain/withdraw.ts";
import packageJson from "../package.json" with { type: "json" };
import { DeadLetterQueue } from "./dead-letters.ts";
import { ClientError, EXIT, interrupted, usageError } from "./exit.ts";
import { systemReason } from "./files.ts";
import { addJsonOption, type JsonOption } from "./options.ts";
import { print, printJson, remark } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import { parseRequestId } from "./records.ts";

interface WithdrawCommandOptions extends JsonOption {
  readonly file?: string;
}

/** What is done to a request, and the word for it once it is done. */
interface Action {
  readonly withdraw: typeof cancelRequest;
  readonly done: "cancelled" | "deleted";
}

const AT_ONCE = 10;
/** How long looking hides a dead letter from others at the most, in seconds. */
const LOOKING_SECONDS = 30;

export function cancelCommand(): Command {
  const command = withIds(
    "cancel",
    "Cancel requests that wait. They are never painted, also if their prompts are still on the queue.",
  );
  return command.action(async (texts: readonly string[], options: WithdrawCommandOptions) => {
    const ids = await readIds(texts, options.file);
    await withdrawAll(new Pipeline(process.env), ids, options, {
      withdraw: cancelRequest,
      done: "cancelled",
    });
  });
}

export function deleteCommand(): Command {
  const command = withIds(
    "delete",
    "Erase requests for good: prompt, picture, all older versions of them, and dead letters.",
  );
  return command.action(async (texts: readonly string[], options: WithdrawCommandOptions) => {
    const ids = await readIds(texts, options.file);
    const pipeline = new Pipeline(process.env);
    const deleted = await withdrawAll(pipeline, ids, options, { withdraw: deleteRequest, done: "deleted" });
    await removeDeadLetters(pipeline, deleted);
  });
}

function withIds(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .argument("[request-ids...]", "as printed by send")
    .option("--file <path>", "a file of request ids, one a line: what send printed");
  return addJsonOption(command);
}

/** The ids to act on. Throws a usage error that names each line without one, before anything is done. */
async function readIds(texts: readonly string[], file: string | undefined): Promise<readonly string[]> {
  if ((file === undefined) === (texts.length === 0)) throw usageError("Give request ids or --file.");
  if (file === undefined) return texts.map(parseRequestId);
  const ids: string[] = [];
  try {
    const handle = await open(file);
    let number = 0;
    for await (const line of handle.readLines()) {
      number += 1;
      const [id = ""] = line.trim().split(/\s+/);
      if (id !== "") ids.push(readId(id, `${file}, line ${number}`));
    }
  } catch (error) {
    if (error instanceof ClientError) throw error;
    throw usageError(`Cannot read ${file}: ${systemReason(error)}. Name a text file with --file.`);
  }
  if (ids.length === 0) throw usageError(`${file} has no request ids.`);
  return ids;
}

function readId(id: string, place: string): string {
  try {
    return parseRequestId(id);
  } catch (error) {
    throw usageError(`${place}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Returns the requests that are cancelled or deleted, since now or since earlier. */
async function withdrawAll(
  pipeline: Pipeline,
  ids: readonly string[],
  { json }: WithdrawCommandOptions,
  { withdraw, done }: Action,
): Promise<ReadonlySet<string>> {
  const { bucket, keyPrefix } = await pipeline.imagePlace();
  const store = new ObjectStore(pipeline.s3, bucket);
  const options = {
    ...{ store, keyPrefix, records: new RecordStore(store, keyPrefix), images: new Images(store, keyPrefix) },
    ...({ codeVersion: `client ${packageJson.version}`, ifUnknown: "close" } as const),
  };
  const withdrawn = new Set<string>();
  await pMap(
    new Set(ids),
    async (requestId) => {
      interrupted.throwIfAborted();
      const result = await withdraw(requestId, options);
      if (result.kind === "withdrawn") withdrawn.add(requestId);
      const outcome = describeWithdrawal(result, done);
      if (json) await printJson({ requestId, outcome });
      else await print(requestId, outcome);
    },
    { concurrency: AT_ONCE },
  );
  const all = new Set(ids);
  remark(`${withdrawn.size} of ${all.size} ${done}.`);
  if (withdrawn.size < all.size) process.exitCode = EXIT.failed;
  return withdrawn;
}

function describeWithdrawal(result: Withdrawal, done: string): string {
  switch (result.kind) {
    case "withdrawn":
      return done;
    case "painting":
      return `is being painted, until ${result.until.toISOString()} at the latest`;
    case "finished":
      return "is finished";
    case "unknown":
      return "is unknown";
  }
}

/** Removes what the dead-letter queue has of deleted requests: their prompts would stay there for up to 14 days. */
async function removeDeadLetters(pipeline: Pipeline, ids: ReadonlySet<string>): Promise<void> {
  const queue = await DeadLetterQueue.of(pipeline);
  let removed = 0;
  for await (const letter of queue.take(LOOKING_SECONDS)) {
    if (!ids.has(letter.requestId)) continue;
    await queue.remove(letter);
    removed += 1;
  }
  if (removed > 0) remark(`${removed} removed from the dead-letter queue.`);
  if (queue.hidden > 0) {
    remark(
      `About ${queue.hidden} dead letters are hidden: somebody else is handling them. Run the same command again in a minute.`,
    );
  }
}
