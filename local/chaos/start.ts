import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import fc from "fast-check";
import { synthesise } from "../synthesise.ts";
import { runChaos } from "./chaos.ts";
import type { Evidence } from "./evidence.ts";
import { type Violation, violations } from "./invariants.ts";
import { type Plan, plannedPrompts } from "./plan.ts";
import { figures } from "./report.ts";
import { runPlan } from "./run.ts";
import { startWorld, type World } from "./world.ts";

interface Options {
  readonly seed: number;
  readonly prompts: number;
  readonly schedules: number;
  readonly soak: boolean;
  readonly thrice: boolean;
  readonly report?: string;
}

interface Result {
  readonly evidence: readonly Evidence[];
  readonly violations: readonly Violation[];
  /** The schedule that broke a promise, as short as it was found. */
  readonly plan: Plan | undefined;
}

/** How long to look for a shorter schedule that fails too, in milliseconds. */
const SHRINK_MS = 120_000;
/** One prompt of so many has trouble in a soak: far more than in production, far less than in chaos. */
const SOUND_FOR_EACH_TROUBLED = 20;

const options = new Command("chaos")
  .description(
    "Runs the consumer's bundle under faults, kills and duplicate deliveries, and checks all promises.",
  )
  .option("--seed <number>", "what to draw the schedules from", whole, Math.floor(Math.random() * 2 ** 31))
  .option("--prompts <number>", "most prompts of a schedule; with --soak, how many in all", whole, 30)
  .option("--schedules <number>", "how many schedules to run", whole, 3)
  .option("--soak", "one long schedule with a realistic share of faults", false)
  .option("--thrice", "with --soak: send every message three times", false)
  .option("--report <file>", "write the figures to a Markdown file as well")
  .parse()
  .opts<Options>();

const synthesised = await synthesise("dev", new AbortController().signal);
if (synthesised === "interrupted") throw new Error("nobody can interrupt this");
const world = await startWorld({ stackDir: synthesised.stackDir });
try {
  console.log(`seed ${options.seed}`);
  const result = options.soak ? await soak(world, options) : await chaos(world, options);
  const lines = figures(result.evidence);
  const promise = result.violations.length === 0 ? "All promises were kept." : "A promise was broken.";
  console.log([...lines, "", promise].join("\n"));
  for (const { promise, what } of result.violations) console.log(`${promise}: ${what}`);
  if (result.plan !== undefined) console.log(`schedule: ${JSON.stringify(result.plan)}`);
  if (options.report !== undefined) await writeFile(options.report, report(lines, promise));
  process.exitCode = result.violations.length === 0 ? 0 : 1;
} finally {
  await world[Symbol.asyncDispose]();
  await synthesised.remove();
}

async function chaos(inWorld: World, { seed, prompts, schedules }: Options): Promise<Result> {
  const { evidence, failure } = await runChaos(inWorld, {
    seed,
    schedules,
    mostPrompts: prompts,
    shrinkMs: SHRINK_MS,
  });
  return { evidence, violations: failure?.violations ?? [], plan: failure?.plan };
}

async function soak(inWorld: World, { seed, prompts, thrice }: Options): Promise<Result> {
  const troubled = fc.sample(plannedPrompts(2), {
    seed,
    numRuns: Math.ceil(prompts / (SOUND_FOR_EACH_TROUBLED + 1)),
  });
  const plan: Plan = {
    prompts: Array.from({ length: prompts }, (_, index) => {
      const sound = { body: "request", sent: 1, duplicates: 0, deletesLost: 0, faults: [] } as const;
      const prompt = index % (SOUND_FOR_EACH_TROUBLED + 1) === 0 ? (troubled.shift() ?? sound) : sound;
      return thrice ? { ...prompt, sent: 3 } : prompt;
    }),
    batchSizes: [10],
    clockSkewsMs: [0, 5000, -5000],
    invocationsAtOnce: 3,
    stormMinutes: 0,
    order: seed,
  };
  const evidence = await runPlan(inWorld, plan);
  return { evidence, violations: evidence.flatMap(violations), plan: undefined };
}

function report(lines: readonly string[], promise: string): string {
  const mode = options.soak
    ? ` --soak${options.thrice ? " --thrice" : ""}`
    : ` --schedules ${options.schedules}`;
  const command = `npm run chaos -- --seed ${options.seed} --prompts ${options.prompts}${mode}`;
  return ["# Reliability report", "", `Written by \`${command}\`.`, "", ...lines, "", promise, ""].join("\n");
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError("It must be a whole number from 0 to 999999999.");
  return Number(text);
}
