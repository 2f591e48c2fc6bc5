import { makeFolder } from "../folder.ts";
import { synthesise } from "../stack/synthesise.ts";
import { UserError } from "../user-error.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { type Progress, startProgress } from "./progress.ts";
import { readJobs } from "./prompts.ts";

const EXIT = { done: 0, failed: 1, rejected: 3, interrupted: 130 } as const;

const progress = startProgress();
try {
  process.exitCode = await main(readArguments(process.argv.slice(2)), progress);
} catch (error) {
  progress.stop();
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = EXIT.failed;
} finally {
  progress.stop();
}

async function main(given: Arguments, progress: Progress): Promise<number> {
  const interrupted = interruption();
  const serving = given.prompts.length === 0 && given.file === undefined;
  const jobs = serving ? [] : await readJobs(given);
  if (!serving) await makeFolder("--output", given.output);
  if (given.model !== undefined) {
    progress.status(`asking ${given.model}`);
    const { tryModel } = await import("./try-model.ts");
    progress.result(await tryModel(given.model, given));
    return EXIT.done;
  }

  progress.status(`synthesising ${given.environment}`);
  // The SDKs and the emulator take as long to load as the stack takes to synthesise.
  const [synthesised, { runStack }] = await Promise.all([
    synthesise(given.environment, interrupted),
    import("./run.ts"),
  ]);
  const stopped = serving ? EXIT.done : EXIT.interrupted;
  if (synthesised === "interrupted") return stopped;
  try {
    const { stackDir } = synthesised;
    const outcomes = await runStack({ given, stackDir, jobs, progress, interrupted });
    if (outcomes === "interrupted") return stopped;
    if (outcomes.includes("failed")) return EXIT.failed;
    return outcomes.includes("rejected") ? EXIT.rejected : EXIT.done;
  } finally {
    await synthesised.remove();
  }
}

/** Aborts at the first Ctrl-C; the second ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
