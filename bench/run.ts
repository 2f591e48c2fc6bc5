// Measures everything and writes docs/performance.md; `--quick` only guards what is stable, and writes nothing.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { acceptance } from "./acceptance.ts";
import { callsTable, countCalls } from "./calls.ts";
import { client } from "./client.ts";
import { makespan } from "./makespan.ts";
import { figuresOf } from "./measure.ts";
import { describeSizes, measuredSchema } from "./right-size.ts";
import { sending } from "./sending.ts";
import { startUp } from "./start-up.ts";
import { CannotMeasureError, format, markdown, type Part, type Row, verdictOf } from "./table.ts";
import { work } from "./work.ts";
import { writeSection } from "./write-section.ts";

// The makespan wants a machine that is not busy yet.
const parts: readonly Part[] = [makespan, startUp, work, acceptance, sending, client];

/** By how much the quick form lets a target be passed: it guards against blunders, on any machine. */
const QUICK_MARGIN = 3;

const { quick = false, only } = new Command("npm run bench --")
  .description("Measures the pipeline against named baselines and writes docs/performance.md.")
  .option("--quick", "only what is stable on a busy machine, with wide margins; writes nothing")
  .addOption(
    new Option("--only <part>", "one part; writes nothing")
      .choices(parts.map(({ name }) => name))
      .conflicts("quick"),
  )
  .parse()
  .opts<{ quick?: true; only?: string }>();

// What this process and those that it starts leave in temporary folders goes at the end.
process.env.TMPDIR = mkdtempSync(join(tmpdir(), "couch-bench-"));
process.once("exit", () => rmSync(tmpdir(), { recursive: true, force: true }));

const rows: Row[] = [];
let isWhole = !quick && only === undefined;
for (const part of parts) {
  if ((quick && !part.quick) || (only !== undefined && only !== part.name)) continue;
  console.log(part.name);
  for (const row of await measure(part)) {
    rows.push(row);
    const verdict = verdictOf(row, quick ? QUICK_MARGIN : 1);
    const value = verdict === "too noisy to tell" ? "" : format(row);
    console.log(`  ${[row.what, row.against, value, verdict].filter(Boolean).join(" · ")}`);
    if (verdict === "missed" || verdict === "too noisy to tell") process.exitCode = 1;
    // Nothing is planned with a figure that says nothing.
    if (verdict === "too noisy to tell" && row.measures) isWhole = false;
  }
}
if (isWhole) {
  const { version, arch } = process;
  writeSection(
    "bench",
    `Node.js ${version}, ${arch}, ${availableParallelism()} processors.\n\n${markdown(rows)}`,
  );
  const measured = Object.fromEntries(
    rows.flatMap((row) => (row.measures ? [[row.measures, Math.round(figuresOf(row.values).median)]] : [])),
  );
  writeFileSync(new URL("measured.json", import.meta.url), `${JSON.stringify(measured, undefined, 2)}\n`);
  writeSection("right size", await describeSizes(measuredSchema.parse(measured)));
  writeSection("calls", callsTable(await countCalls()));
}

async function measure(part: Part): Promise<readonly Row[]> {
  try {
    return await part.run();
  } catch (error) {
    if (!(error instanceof CannotMeasureError)) throw error;
    console.error(`  not measured: ${error.message}`);
    process.exitCode = 1;
    isWhole = false;
    return [];
  }
}
