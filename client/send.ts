import { randomUUID } from "node:crypto";
import { Command, Option } from "commander";
import leven from "leven";
import pMap, { pMapIterable } from "p-map";
import type { IdentifiedRequest } from "../functions/domain/request.ts";
import {
  ASPECT_RATIOS,
  MAX_EXPIRES_IN_SECONDS,
  MAX_SEED,
  OUTPUT_FORMATS,
} from "../functions/domain/request-limits.ts";
import { explain, wasRefused } from "./aws-errors.ts";
import { ClientError, type ExitCode, usageError } from "./exit.ts";
import { type FollowOptions, follow, worstOf } from "./follow.ts";
import { addFollowOptions, addJsonOption, groupName, wholeNumber } from "./options.ts";
import { print, printJson, remark } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import { readRecord } from "./records.ts";
import { RequestIds } from "./request-ids.ts";
import { fromArguments, fromFile, fromStandardInput, type Source, type Wishes } from "./requests.ts";
import { makeOutputFolder } from "./save-picture.ts";
import { sendBatches } from "./send-batches.ts";
import { ProgressBar, type StatusLine, startStatusLine } from "./status-line.ts";

interface SendOptions extends FollowOptions {
  readonly file?: string;
  readonly aspectRatio?: (typeof ASPECT_RATIOS)[number];
  readonly seed?: number;
  readonly negativePrompt?: string;
  readonly outputFormat?: (typeof OUTPUT_FORMATS)[number];
  readonly expiresIn?: number;
  readonly group?: string;
  readonly batch?: string;
  readonly wait?: true;
}

/** Requests whose records are looked at at once: before they are sent, and then once a second. */
const FOLLOWED_AT_ONCE = 20;

export function sendCommand(): Command {
  const command = new Command("send")
    .description("Send prompts. Each line of the output is a request id and a message id.")
    .argument("[prompts...]", "what to paint; without prompts and --file, standard input is read")
    .option("--file <path>", "prompts in a file, one a line: plain text, or JSON as on the queue")
    .addOption(new Option("--aspect-ratio <ratio>", "shape of the pictures").choices(ASPECT_RATIOS))
    .option(
      "--seed <number>",
      `0 to ${MAX_SEED}; same prompt and seed, same picture`,
      wholeNumber(0, MAX_SEED),
    )
    .option("--negative-prompt <text>", "what the pictures must not show")
    .addOption(new Option("--output-format <format>", "file format of the pictures").choices(OUTPUT_FORMATS))
    .option(
      "--expires-in <seconds>",
      "do not paint what has not begun after this long",
      wholeNumber(1, MAX_EXPIRES_IN_SECONDS),
    )
    .option("--group <name>", "message group: groups share the painters fairly", groupName)
    .option("--batch <name>", "same prompts in the same batch are painted once, in another batch again")
    .option("--wait", "wait for the pictures and save them")
    .addHelpText("after", EXAMPLES)
    .action(send);
  return addJsonOption(addFollowOptions(command));
}

const EXAMPLES = `
Examples:
  $ image-generator-client "Me on top of K2"
  $ image-generator-client "Me on top of K2" --wait --output k2.png
  $ image-generator-client --file prompts.txt --aspect-ratio 16:9
  $ image-generator-client --file prompts.txt --batch tuesday
  $ echo '{"prompt": "A fjord at night", "seed": 7}' | image-generator-client --json
`;

async function send(prompts: readonly string[], options: SendOptions, command: Command): Promise<void> {
  refuseMistypedCommand(command.parent);
  for (const name of ["output", "timeout"]) {
    const isGiven = command.getOptionValueSource(name) === "cli";
    if (isGiven && !options.wait)
      throw usageError(`--${name} is for pictures that are waited for. Add --wait.`);
  }
  const pipeline = new Pipeline(process.env);
  // A typed prompt asks for a new picture each time. A file may be sent again because the first send failed half-way.
  const isTyped = prompts.length > 0;
  const batch = options.batch ?? (isTyped ? randomUUID() : "");
  const source = await openSource(prompts, options);
  if (options.wait) await makeOutputFolder(options.output, source.total);
  const bar = new ProgressBar(source.total);
  const showsLines = isTyped || !process.stdout.isTTY;
  const requestIds: string[] = [];
  const earlierFailures = new Map<string, string>();
  const requests = identified(source, batch);
  let sentCount = 0;
  try {
    const noted = options.wait ? noteFailures(pipeline, requests, earlierFailures) : requests;
    for await (const sent of sendBatches(pipeline, noted, options.group)) {
      sentCount += 1;
      if (!isTyped) bar.show(sentCount);
      if (options.wait) requestIds.push(sent.requestId);
      if (options.json) await printJson(sent);
      else if (showsLines) await print(sent.requestId, sent.messageId);
    }
  } catch (error) {
    bar.stop();
    if (sentCount === 0 && wasRefused(error)) throw error;
    const { message, exitCode } = explain(error);
    const again = isTyped ? `the same command with --batch ${batch}` : "the same command";
    throw new ClientError(
      `${message} ${sentCount} sent for certain. Send the rest with ${again}: no prompt is painted twice.`,
      exitCode,
    );
  }
  bar.stop();
  if (sentCount === 0) throw nothingToSend();
  if (!isTyped) remark(`${sentCount} sent.`);
  if (options.wait) process.exitCode = await followAll(pipeline, requestIds, options, earlierFailures);
}

/** The most letters that two words differ in when one is taken for the other, mistyped. */
const MOST_TYPOS = 2;

/** A mistyped command would be painted, and paid for. `send` in front of it says that it is a prompt. */
function refuseMistypedCommand(program: Command | null): void {
  const [first = "", ...rest] = program?.args ?? [];
  if (program === null || rest.length > 0 || first.startsWith("-")) return;
  const names = program.commands.map((each) => each.name());
  const similar = names.filter((name) => leven(name, first) <= MOST_TYPOS && first.length > MOST_TYPOS);
  const meant = similar.find((name) => name[0] === first[0]) ?? similar[0];
  if (meant === undefined || names.includes(first)) return;
  throw usageError(
    `${first} is not a command. Did you mean ${meant}? To paint it, type: image-generator-client send ${first}`,
  );
}

function openSource(prompts: readonly string[], options: SendOptions): Source | Promise<Source> {
  const { aspectRatio, seed, negativePrompt, outputFormat, expiresIn: expiresInSeconds, file } = options;
  const wishes: Wishes = { aspectRatio, seed, negativePrompt, outputFormat, expiresInSeconds };
  if (prompts.length > 0 && file !== undefined) throw usageError("Give prompts or --file, not both.");
  if (prompts.length > 0) return fromArguments(prompts, wishes);
  if (file !== undefined) return fromFile(file, wishes);
  if (process.stdin.isTTY) throw nothingToSend();
  return fromStandardInput(wishes);
}

function nothingToSend(): ClientError {
  return usageError('There is nothing to send. Try: image-generator-client "Me on top of K2"');
}

async function* identified({ requests }: Source, batch: string): AsyncGenerator<IdentifiedRequest> {
  const ids = new RequestIds(batch);
  for await (const request of requests) yield ids.identify(request);
}

/** Notes when a request failed the last time, if it did, before it is sent again. */
function noteFailures(
  pipeline: Pipeline,
  requests: AsyncIterable<IdentifiedRequest>,
  failures: Map<string, string>,
): AsyncIterable<IdentifiedRequest> {
  return pMapIterable(
    requests,
    async (request) => {
      const record = await readRecord(pipeline, request.requestId);
      if (record?.status === "failed") failures.set(request.requestId, record.timings.finishedAt);
      return request;
    },
    { concurrency: FOLLOWED_AT_ONCE },
  );
}

async function followAll(
  pipeline: Pipeline,
  requestIds: readonly string[],
  options: FollowOptions,
  earlierFailures: ReadonlyMap<string, string>,
): Promise<ExitCode> {
  const line = startStatusLine();
  const [only] = requestIds;
  if (only !== undefined && requestIds.length === 1) {
    return follow(pipeline, only, options, line, earlierFailures.get(only));
  }
  let finished = 0;
  const shared: StatusLine = {
    show: () => line.show(`${finished} of ${requestIds.length} finished`),
    stop: () => line.stop(),
  };
  const codes = await pMap(
    requestIds,
    async (requestId) => {
      const code = await follow(pipeline, requestId, options, shared, earlierFailures.get(requestId));
      finished += 1;
      return code;
    },
    { concurrency: FOLLOWED_AT_ONCE },
  );
  return worstOf(codes);
}
