import { createInterface } from "node:readline/promises";
import { PurgeQueueCommand } from "@aws-sdk/client-sqs";
import { Command, InvalidArgumentError } from "commander";
import { type DeadLetter, DeadLetterQueue } from "./dead-letters.ts";
import { ClientError, EXIT, interrupted, usageError } from "./exit.ts";
import { addJsonOption, type JsonOption, wholeNumber } from "./options.ts";
import { print, printJson, remark } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import { describe, readRecord } from "./records.ts";
import { redrive } from "./redrive.ts";

/** How long looking hides a message from others at the most, in seconds. */
const LOOKING_SECONDS = 30;

export function dlqCommand(): Command {
  return new Command("dlq")
    .description("Look after prompts that could not be painted: the dead-letter queue.")
    .addHelpText("after", EXAMPLES)
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(redriveCommand())
    .addCommand(purgeCommand());
}

const EXAMPLES = `
Examples:
  $ image-generator-client dlq list
  $ image-generator-client dlq redrive 5f10 --prompt "Me on top of K2, in a down suit"
  $ image-generator-client dlq redrive --all --rate 2
`;

interface ListOptions extends JsonOption {
  readonly limit: number;
}

function listCommand(): Command {
  const command = new Command("list")
    .description("List what is in the dead-letter queue, and why. Nothing is taken out.")
    .option("--limit <number>", "stop after this many", wholeNumber(1, 100_000), 100)
    .action(async ({ limit, json }: ListOptions) => {
      const pipeline = new Pipeline(process.env);
      const queue = await DeadLetterQueue.of(pipeline);
      let count = 0;
      for await (const letter of queue.take(LOOKING_SECONDS)) {
        count += 1;
        const { messageId, requestId } = letter;
        const why = await reasonOf(pipeline, letter);
        if (json) await printJson({ requestId, messageId, sentAt: sentAt(letter), ...why });
        else await print(requestId, sentAt(letter), `${why.status}, ${why.code}: ${why.message}`);
        if (count === limit) break;
      }
      if (count === limit && queue.hidden > 0) remark(`${count} of about ${queue.size} dead letters.`);
      else remark(`${countLetters(count)}.${hiddenNote(queue)}`);
    });
  return addJsonOption(command);
}

function showCommand(): Command {
  const command = new Command("show")
    .description("Show one dead letter with its record. Nothing is taken out.")
    .argument("<id>", "request id or message id")
    .action(async (id: string, { json }: JsonOption) => {
      const pipeline = new Pipeline(process.env);
      const queue = await DeadLetterQueue.of(pipeline);
      for await (const letter of queue.take(LOOKING_SECONDS)) {
        const { requestId, messageId, body, message } = letter;
        if (id !== requestId && id !== messageId) continue;
        const shown = {
          requestId,
          messageId,
          sentAt: sentAt(letter),
          group: message.Attributes?.MessageGroupId,
          attributes: message.MessageAttributes,
          body,
          record: await readRecord(pipeline, requestId),
        };
        await printJson(shown, { indent: json ? 0 : 2 });
        return;
      }
      throw notThere([id], queue);
    });
  return addJsonOption(command);
}

interface RedriveCommandOptions extends JsonOption {
  readonly all?: true;
  readonly prompt?: string;
  readonly rate: number;
  readonly dryRun?: true;
}

function redriveCommand(): Command {
  const command = new Command("redrive")
    .description("Put dead letters back into the queue of prompts, to be painted again.")
    .argument("[ids...]", "request ids or message ids")
    .option("--all", "all of them")
    .option("--prompt <text>", "paint this instead; for one id. It becomes a request with an id of its own")
    .option("--rate <number>", "at most so many a second", perSecond, 10)
    .option("--dry-run", "only say what would be done")
    .action(redriveLetters);
  return addJsonOption(command);
}

async function redriveLetters(ids: readonly string[], options: RedriveCommandOptions): Promise<void> {
  const { all = false, prompt, rate, dryRun = false, json } = options;
  if (all === ids.length > 0) throw usageError("Name the ids to redrive, or --all.");
  if (prompt !== undefined && ids.length !== 1) throw usageError("--prompt needs exactly one id.");
  const pipeline = new Pipeline(process.env);
  const queue = await DeadLetterQueue.of(pipeline);
  const missing = new Set(ids);
  let count = 0;
  for await (const { letter, requestId } of redrive(pipeline, queue, {
    ids: all ? undefined : new Set(ids),
    prompt,
    rate,
    dryRun,
  })) {
    count += 1;
    missing.delete(letter.requestId);
    missing.delete(letter.messageId);
    if (json) await printJson({ requestId, deadLetter: letter.requestId, messageId: letter.messageId });
    else await print(letter.requestId, ...(requestId === letter.requestId ? [] : ["as", requestId]));
    if (ids.length > 0 && missing.size === 0) break;
  }
  remark(`${count} ${dryRun ? "would be " : ""}redriven.${all ? hiddenNote(queue) : ""}`);
  if (missing.size > 0) throw notThere([...missing], queue);
}

interface PurgeOptions {
  readonly yes?: true;
}

function purgeCommand(): Command {
  return new Command("purge")
    .description("Delete all dead letters for good. Their records stay.")
    .option("--yes", "do not ask")
    .action(async ({ yes }: PurgeOptions) => {
      const pipeline = new Pipeline(process.env);
      const { url, size } = await toPurge(pipeline, yes === true).catch((error: unknown) => {
        if (!interrupted.aborted) throw error;
        throw new ClientError("Interrupted. Nothing was deleted.", EXIT.interrupted);
      });
      await pipeline.sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
      remark(`About ${countLetters(size)} deleted. SQS takes up to a minute for it.`);
    });
}

/** The queue whose messages are to be deleted. Throws where somebody says no. */
async function toPurge(pipeline: Pipeline, isAgreed: boolean): Promise<DeadLetterQueue> {
  const queue = await DeadLetterQueue.of(pipeline);
  const question = `Delete about ${countLetters(queue.size)} in ${queue.url} for good? [y/N] `;
  if (!isAgreed && !(await agrees(question))) throw new ClientError("Nothing was deleted.", EXIT.failed);
  interrupted.throwIfAborted();
  return queue;
}

async function agrees(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw usageError("Nobody is there to ask. To delete all dead letters, add --yes.");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While it asks, Ctrl-C is a key like others and no signal.
  terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return /^y(es)?$/i.test(await terminal.question(question, { signal: interrupted }));
  } finally {
    terminal.close();
  }
}

const NEVER_BEGUN = "the consumer never began with it";

/** Why it was not painted: from its record. */
async function reasonOf(
  pipeline: Pipeline,
  { requestId }: DeadLetter,
): Promise<{ readonly status: string; readonly code: string; readonly message: string }> {
  const record = await readRecord(pipeline, requestId);
  if (record === undefined) {
    return { status: "unknown", code: "NoRecord", message: NEVER_BEGUN };
  }
  const { status } = record;
  if (status === "queued") return { status, code: "NeverBegun", message: NEVER_BEGUN };
  const reason = "reason" in record ? record.reason : undefined;
  // Nobody closes the record of a last try that is killed.
  const code = status === "generating" ? "Interrupted" : "Redundant";
  return { status, code, message: describe(record), ...reason };
}

function countLetters(count: number): string {
  return count === 1 ? "1 dead letter" : `${count} dead letters`;
}

function sentAt({ message }: DeadLetter): string {
  return new Date(Number(message.Attributes?.SentTimestamp)).toISOString();
}

/** Says what could not be looked at; empty where all was. */
function hiddenNote({ hidden }: DeadLetterQueue): string {
  return hidden === 0
    ? ""
    : ` About ${hidden} more are hidden: somebody else is handling them, or was stopped. Try again in a minute.`;
}

function notThere(ids: readonly string[], queue: DeadLetterQueue): ClientError {
  const advice = hiddenNote(queue) || " See what is there: image-generator-client dlq list";
  return new ClientError(`Not found in the dead-letter queue: ${ids.join(", ")}.${advice}`, EXIT.failed);
}

/** The slower, the longer are the letters of a receive hidden: at the slowest for a quarter of an hour. */
function perSecond(text: string): number {
  const value = Number(text);
  if (value >= 0.01 && value <= 1000) return value;
  throw new InvalidArgumentError("Give a number from 0.01 to 1000.");
}
