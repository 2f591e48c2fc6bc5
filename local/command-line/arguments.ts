import { Command, InvalidArgumentError, Option } from "commander";
import type { PromptRequestInput } from "../../functions/domain/request.ts";
import { ASPECT_RATIOS, MAX_SEED, OUTPUT_FORMATS } from "../../functions/domain/request-limits.ts";
import { DEFAULT_ACCOUNT_CONCURRENCY } from "../lambda/account-concurrency.ts";
import type { Trouble } from "../model/trouble.ts";
import { wholeNumber } from "./whole-number.ts";

/** Options that mean the same to the command line and to what it starts. */
interface SharedOptions {
  /** A file of prompts, one a line. */
  readonly file?: string;
  readonly environment: string;
  /** Default: 4566 when serving, any free one otherwise. */
  readonly port?: number;
  /** Default: 4567 when serving, any free one otherwise. */
  readonly apiPort?: number;
  readonly state?: string;
  readonly output: string;
  readonly bedrock: "local" | "aws";
  /** The one model to try, without the stack. */
  readonly model?: string;
  /** How many invocations the account may have at once. */
  readonly accountConcurrency: number;
  readonly verbose: boolean;
  /** Whether functions restart when their code changes. */
  readonly watch: boolean;
  readonly alarmSpeed: number;
  /** Gets how requests end. */
  readonly webhook?: URL;
}

type Wishes = Pick<PromptRequestInput, "aspectRatio" | "seed" | "outputFormat">;

/** What the person at the keyboard asked for. */
export interface Arguments extends SharedOptions {
  /** Prompts on the command line; none and no file means: serve. */
  readonly prompts: readonly string[];
  readonly trouble: Trouble;
  /** Goes into every request that does not say otherwise itself. */
  readonly wishes: Wishes;
}

interface Options extends SharedOptions, Wishes {
  readonly modelLatency?: number;
  readonly throttle?: number;
  readonly broken?: true;
  readonly denied?: true;
  readonly newAccount?: number;
  readonly requestsPerMinute?: number;
  readonly filterImages?: number;
}

/** Exit code of a wrong command line. */
export const USAGE_ERROR = 2;

/** Reads the command line. A wrong one ends the process with {@link USAGE_ERROR} and one line on stderr. */
export function readArguments(argv: readonly string[]): Arguments {
  const program = new Command("npm start --")
    .description("Runs the synthesised stack on this machine: paints the prompts, or serves until Ctrl-C.")
    .argument("[prompts...]", "what to paint; none and no --file: serve")
    .option("--file <path>", "paint the prompts in a file, one a line: plain text, or JSON as on the queue")
    .option("--output <folder>", "where pictures go", "pictures")
    .addOption(new Option("--aspect-ratio <ratio>", "shape of the pictures").choices(ASPECT_RATIOS))
    .option(
      "--seed <number>",
      `0 to ${MAX_SEED}; same prompt and seed, same picture`,
      wholeNumber(0, MAX_SEED),
    )
    .addOption(new Option("--output-format <format>", "file format of the pictures").choices(OUTPUT_FORMATS))
    .option("--environment <name>", "which settings to synthesise", "dev")
    .option("--port <number>", "port of SQS and S3 (default: 4566 when serving)", wholeNumber(0, 65_535))
    .option(
      "--api-port <number>",
      "port of the HTTP API (default: 4567 when serving)",
      wholeNumber(0, 65_535),
    )
    .option("--state <folder>", "keep messages, pictures and records in a folder across runs")
    .addOption(
      new Option("--bedrock <model>", "the stand-in painter, or Amazon Bedrock with your credentials")
        .choices(["local", "aws"])
        .default("local"),
    )
    .option("--model <id>", "with --bedrock aws: paint one prompt with this model alone, and see what it is")
    .option("--model-latency <ms>", "make the stand-in model slow", wholeNumber(0, 3_600_000))
    .option("--throttle <fraction>", "throttle this share of the model's calls, 0 to 1", fraction)
    .addOption(new Option("--broken", "the model is down").conflicts("denied"))
    .option("--denied", "the account may not use the model")
    .option(
      "--new-account <seconds>",
      "each model works for so long, and then waits for its Marketplace agreement",
      wholeNumber(0, 3_600),
    )
    .option(
      "--requests-per-minute <number>",
      "throttle a model's calls above so many a minute",
      wholeNumber(1, 1_000_000),
    )
    .option("--filter-images <fraction>", "block this share of finished pictures, by seed, 0 to 1", fraction)
    .option(
      "--account-concurrency <number>",
      "invocations that the account may have at once; many new accounts have 10",
      wholeNumber(1, 1_000_000),
      DEFAULT_ACCOUNT_CONCURRENCY,
    )
    .option("--alarm-speed <times>", "let time pass faster for alarms", wholeNumber(1, 600), 1)
    .option("--webhook <url>", "deliver events to a server on this machine", loopbackUrl)
    .option("--watch", "while serving, restart the functions when their code changes", false)
    .option("--verbose", "show everything that the functions log", false)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "")) })
    .showHelpAfterError(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE_ERROR));
  program.parse(argv, { from: "user" });
  const prompts = program.args;
  const { aspectRatio, seed, outputFormat, ...others } = program.opts<Options>();
  const { modelLatency, throttle, broken, denied, newAccount, requestsPerMinute, filterImages, ...options } =
    others;

  if (
    options.bedrock === "aws" &&
    [modelLatency, throttle, broken, denied, newAccount, requestsPerMinute, filterImages].some(
      (flag) => flag !== undefined,
    )
  ) {
    program.error("Trouble of the model needs the stand-in: drop --bedrock aws.");
  }
  if (options.model !== undefined && (options.bedrock !== "aws" || prompts.length !== 1)) {
    program.error(
      '--model tries one model with one prompt: npm start -- --bedrock aws --model <id> "Me on top of K2"',
    );
  }
  if (prompts.length > 0 && options.file !== undefined) {
    program.error("Give prompts on the command line or with --file, not both.");
  }
  if (options.watch && (prompts.length > 0 || options.file !== undefined)) {
    program.error("--watch is for serving: give no prompts, and no --file.");
  }
  const empty = prompts.findIndex((prompt) => prompt.trim() === "");
  if (empty >= 0)
    program.error(`Prompt ${empty + 1} is empty. Say what to paint: npm start -- "Me on top of K2"`);

  return {
    ...options,
    prompts,
    wishes: { aspectRatio, seed, outputFormat },
    trouble: {
      ...(modelLatency !== undefined && { latencyMs: modelLatency }),
      ...(throttle !== undefined && { throttle }),
      ...(newAccount !== undefined && { newAccountSeconds: newAccount }),
      ...(requestsPerMinute !== undefined && { requestsPerMinute }),
      ...(filterImages !== undefined && { filterImages }),
      ...(broken && { every: "ServiceUnavailableException" }),
      ...(denied && { every: "AccessDeniedException" }),
    },
  };
}

function loopbackUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) return url;
  throw new InvalidArgumentError("Give a URL on this machine, such as http://127.0.0.1:9000/events.");
}

function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Give a number from 0 to 1.");
}
