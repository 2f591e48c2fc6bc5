import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import fc from "fast-check";
import { z } from "zod";
import { wholeNumber } from "../command-line/whole-number.ts";
import { synthesise } from "../stack/synthesise.ts";
import { type ChaosResult, runChaos } from "./chaos.ts";
import type { Evidence } from "./evidence.ts";
import type { FaultKind } from "./faults.ts";
import { violations } from "./invariants.ts";
import { type Fault, type Plan, type PlannedPrompt, plannedPrompts, planSchema } from "./plan.ts";
import { figures } from "./report.ts";
import { runPlan } from "./run.ts";
import { startWorld, type World } from "./world.ts";

interface Options {
  readonly seed: number;
  readonly prompts: number;
  readonly schedules: number;
  readonly soak: boolean;
  readonly thrice: boolean;
  readonly schedule?: Plan;
  readonly report?: string;
}

/** How long to look for a shorter schedule that fails too, in milliseconds. */
const SHRINK_MS = 120_000;
/** One prompt of so many has any trouble in a soak: far more than in production, far less than in chaos. */
const TROUBLED_ONE_IN = 21;
const THROTTLED_ONE_IN = 50;
const FAILING_ONE_IN = 1000;

const program = new Command("npm run chaos --")
  .description(
    "Runs the consumer's bundle under faults, kills and duplicate deliveries, and checks all promises.",
  )
  .option(
    "--seed <number>",
    "what to draw the schedules from",
    wholeNumber(0, 2 ** 31 - 1),
    Math.floor(Math.random() * 2 ** 31),
  )
  .option(
    "--prompts <number>",
    "most prompts of a schedule; with --soak, how many in all",
    wholeNumber(1, 1_000_000),
    30,
  )
  .option("--schedules <number>", "how many schedules to run", wholeNumber(1, 1_000_000), 3)
  .option("--soak", "one long schedule with a realistic share of faults", false)
  .option("--thrice", "with --soak: send every message three times", false)
  .addOption(
    new Option("--schedule <json>", "run this one schedule, as it was printed, instead")
      .argParser(schedule)
      .conflicts(["soak", "seed", "prompts", "schedules"]),
  )
  .option("--report <file>", "write the figures to a Markdown file as well")
  .parse();
const options = program.opts<Options>();
if (options.thrice && !options.soak) program.error("error: --thrice goes with --soak only");

const command =
  options.schedule === undefined
    ? [
        `npm run chaos -- --seed ${options.seed} --prompts ${options.prompts}`,
        options.soak ? `--soak${options.thrice ? " --thrice" : ""}` : `--schedules ${options.schedules}`,
      ].join(" ")
    : `npm run chaos -- --schedule '${JSON.stringify(options.schedule)}'`;

const synthesised = await synthesise("dev", new AbortController().signal);
if (synthesised === "interrupted") throw new Error("nobody can interrupt this");
const world = await startWorld({ stackDir: synthesised.stackDir });
try {
  console.log(command);
  const result = await run(world, options);
  const lines = figures(result.evidence);
  const promise = result.violations.length === 0 ? "All promises were kept." : "A promise was broken.";
  console.log([...lines, "", promise].join("\n"));
  for (const { promise, what } of result.violations) console.log(`${promise}: ${what}`);
  if (result.shortest !== undefined) {
    console.log(
      `the shortest schedule found: npm run chaos -- --schedule '${JSON.stringify(result.shortest)}'`,
    );
  }
  if (options.report !== undefined) await writeFile(options.report, report(lines, promise));
  process.exitCode = result.violations.length === 0 ? 0 : 1;
} finally {
  await world[Symbol.asyncDispose]();
  await synthesised.remove();
}

async function run(inWorld: World, given: Options): Promise<ChaosResult> {
  if (given.schedule !== undefined) return judge(await runPlan(inWorld, given.schedule));
  if (given.soak) return soak(inWorld, given);
  const { seed, schedules, prompts: mostPrompts } = given;
  return runChaos(inWorld, { seed, schedules, mostPrompts, shrinkMs: SHRINK_MS });
}

async function soak(inWorld: World, { seed, prompts, thrice }: Options): Promise<ChaosResult> {
  const troubled = fc.sample(plannedPrompts(2), { seed, numRuns: Math.ceil(prompts / TROUBLED_ONE_IN) });
  const plan: Plan = {
    prompts: Array.from({ length: prompts }, (_, index) => {
      const prompt = (index % TROUBLED_ONE_IN === 0 && troubled.shift()) || soundPrompt(usualFaults(index));
      return thrice ? { ...prompt, sent: 3 } : prompt;
    }),
    clockSkewsMs: [0, 5000, -5000],
    invocationsAtOnce: 6,
    stormMinutes: 0,
    order: seed,
  };
  return judge(await runPlan(inWorld, plan));
}

/** What happens most often: models throttle, for a call or for many, and now and then one fails until it is mended. */
function usualFaults(index: number): Fault[] {
  const everyCall = (length: number, kind: FaultKind) =>
    Array.from({ length }, (_, nth): Fault => ({ on: "model", nth, kind }));
  if (index % THROTTLED_ONE_IN === 1)
    return everyCall(1 + (((index / THROTTLED_ONE_IN) | 0) % 16), "throttled");
  if (index % FAILING_ONE_IN === 2) return everyCall(100, "model error");
  return [];
}

function soundPrompt(faults: readonly Fault[]): PlannedPrompt {
  return { body: "request", sent: 1, duplicates: 0, deletesLost: 0, faults };
}

function judge(evidence: readonly Evidence[]): ChaosResult {
  return { evidence, violations: evidence.flatMap(violations), shortest: undefined };
}

function report(lines: readonly string[], promise: string): string {
  return ["# Reliability report", "", `Written by \`${command}\`.`, "", ...lines, "", promise, ""].join("\n");
}

function schedule(text: string): Plan {
  try {
    return planSchema.parse(JSON.parse(text));
  } catch (error) {
    const problem = error instanceof z.ZodError ? describe(error) : String(error);
    throw new InvalidArgumentError(`It must be a schedule as this command prints it: ${problem}`);
  }
}

function describe({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": ")).join("; ");
}
