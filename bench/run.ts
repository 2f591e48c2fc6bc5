// Measures everything and writes docs/performance.md; `--quick` only guards what is stable, and writes nothing.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { acceptance } from "./acceptance.ts";
import { listing } from "./listing.ts";
import measured from "./measured.json" with { type: "json" };
import { planner } from "./planner.ts";
import { describeSizes } from "./right-size.ts";
import { sending } from "./sending.ts";
import { startUp } from "./start-up.ts";
import {
  CannotMeasureError,
  format,
  markdown,
  type Part,
  quartiles,
  type Row,
  verdictOf,
  waysTable,
  writeSection,
} from "./table.ts";
import { waiting } from "./waiting.ts";
import { callsTable, work } from "./work.ts";

// The waiting needs a machine that is not busy yet.
const parts: readonly Part[] = [waiting, planner, startUp, work, acceptance, sending, listing];

/** The rows of docs/serverless-or-service.md. */
const CHOICE = /^(start-up of the consumer|time to image|the consumer)/;

/** The quick form accepts three times each target: it finds blunders, on any machine. */
const QUICK_MARGIN = 3;

const { quick = false, only } = new Command("npm run bench --")
  .description(
    "Measures the pipeline against named baselines and writes docs/performance.md and docs/serverless-or-service.md.",
  )
  .option("--quick", "only what is stable on a busy machine, with three times each target; writes nothing")
  .addOption(
    new Option("--only <part>", "one part; writes nothing")
      .choices(parts.map(({ name }) => name))
      .conflicts("quick"),
  )
  .parse()
  .opts<{ quick?: true; only?: string }>();

// Temporary files of this process and of those that it starts are removed at the end.
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
    const what = row.way === undefined ? row.what : `${row.what}, ${row.way}`;
    const value = verdict === "too noisy to tell" ? "" : format(row);
    console.log(`  ${[what, row.against, value, verdict].filter(Boolean).join(" · ")}`);
    if (verdict === "missed" || verdict === "too noisy to tell") process.exitCode = 1;
    // Nobody plans with a figure that means nothing.
    if (verdict === "too noisy to tell" && row.measures) isWhole = false;
  }
}
if (isWhole) {
  const { version, arch } = process;
  writeSection(
    "bench",
    `Node.js ${version}, ${arch}, ${availableParallelism()} processors.\n\n${markdown(rows)}`,
  );
  writeSection("ways", waysTable(rows));
  writeSection("figures", markdown(rows.filter(({ what }) => CHOICE.test(what))));
  for (const { measures, values } of rows) {
    if (measures) measured[measures] = Math.round(quartiles(values).median);
  }
  writeFileSync(new URL("measured.json", import.meta.url), `${JSON.stringify(measured, undefined, 2)}\n`);
  writeSection("right size", await describeSizes(measured));
  writeSection("calls", await callsTable());
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
