// Answers what a load costs and how long users wait, before anything is deployed.
import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { SettingsError } from "../../config/load.ts";
import { wholeNumber } from "../../local/command-line/whole-number.ts";
import { systemErrorReason, UserError } from "../../local/user-error.ts";
import { answer, lowestSufficientLimit } from "./answer.ts";
import { type Asked, QuestionError, questionOf } from "./ask.ts";
import { document } from "./document.ts";
import { plot } from "./plot.ts";
import { count, describe, describeChange } from "./report.ts";

const MOST = 1_000_000_000;
const share = numberFrom(0, 0.999);

const program = new Command("npm run capacity --")
  .description("How long users wait, which alarms fire and what it costs, for a load.")
  .option("--users <count>", "users", wholeNumber(1, MOST), 1000)
  .option("--prompts-per-user <count>", "prompts of each user", wholeNumber(1, MOST), 1)
  .option("--within <time>", "the prompts come at random within this time; 0s: all at once", seconds, 0)
  .option("--environment <name>", "whose settings to start from", "prod")
  .option("--latency <time>", "the models' median time for a picture", latency, 10)
  .option(
    "--latency-spread <number>",
    "standard deviation of its logarithm; 0: always the same",
    numberFrom(0, 2),
    0.25,
  )
  .option("--throttle <share>", "share of calls that are throttled", share, 0)
  .option("--failures <share>", "share of calls that fail", share, 0)
  .option(
    "--concurrency <count>",
    "calls at once that the first model takes; default: the settings",
    wholeNumber(1, MOST),
  )
  .option("--requests-per-minute <count>", "calls that each model takes a minute", wholeNumber(1, MOST))
  .option(
    "--account-concurrency <count>",
    "executions that the account runs at once; default: the settings",
    wholeNumber(1, MOST),
  )
  .option("--memory-mb <megabytes>", "the function's memory; default: the settings", wholeNumber(128, 10_240))
  .option("--seed <number>", "same seed, same answer", wholeNumber(0, MOST), 1)
  .option("--plot <file>", "draw the run into an SVG file")
  .option("--document", "answer the questions of docs/performance.md, and write and draw them there")
  .showHelpAfterError("(--help shows all options)")
  .parse();

try {
  const options = program.opts<Asked & { readonly plot?: string; readonly document?: true }>();
  if (options.document) await document();
  else {
    const question = await questionOf(options);
    const found = answer(question);
    console.log(describe(question, found));
    console.log(describeChange(question, found, lowestSufficientLimit(question)));
    if (options.plot !== undefined) {
      draw(options.plot, plot(`${count(question.prompts)} prompts`, found.run));
    }
  }
} catch (error) {
  if (!(error instanceof QuestionError || error instanceof SettingsError || error instanceof UserError))
    throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function draw(file: string, image: string): void {
  try {
    writeFileSync(file, image);
  } catch (error) {
    throw new UserError(`Cannot write the plot to ${file}: ${systemErrorReason(error)}.`);
  }
}

function numberFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a number from ${min} to ${max}.`);
  };
}

function seconds(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError("Use the form 30s, 10m or 24h.");
  return Number(amount) * (unit === "h" ? 3600 : unit === "m" ? 60 : 1);
}

function latency(text: string): number {
  const value = seconds(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("Give a time above 0s.");
}
