import { once } from "node:events";
import { S3ServiceException } from "@aws-sdk/client-s3";
import { SQSServiceException } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { type Arguments, readArguments } from "./arguments.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { checkOutputFolder, paintPrompts } from "./paint-prompts.ts";
import { type Progress, startProgress } from "./progress.ts";
import { readJobs } from "./prompts.ts";
import { serve } from "./serve.ts";
import { synthesise } from "./synthesise.ts";
import { UserError } from "./user-error.ts";

const EXIT = { done: 0, failed: 1, rejected: 3, interrupted: 130 } as const;

const STAND_IN_NOTE =
  "Pictures come from a stand-in painter on this machine, not from a text-to-image model (--bedrock aws asks the real one).";

const progress = startProgress();
try {
  process.exitCode = await run(readArguments(process.argv.slice(2)), progress);
} catch (error) {
  progress.stop();
  if (!isForUser(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = EXIT.failed;
} finally {
  progress.stop();
}

async function run(given: Arguments, progress: Progress): Promise<number> {
  const serving = given.prompts.length === 0 && given.file === undefined;
  const interrupted = interruption();
  const stopped = serving ? EXIT.done : EXIT.interrupted;
  const jobs = serving ? [] : await readJobs(given);
  if (!serving) await checkOutputFolder(given.output);

  progress.status(`synthesising ${given.environment}`);
  const synthesised = await synthesise(given.environment, interrupted);
  if (synthesised === "interrupted") return stopped;
  const { stackDir, remove } = synthesised;
  try {
    const cloud = await startCloud({
      stackDir,
      ...(given.port !== undefined && { port: given.port }),
      ...(given.port === undefined && !serving && { port: 0 }),
      ...(given.state !== undefined && { stateDirectory: given.state }),
      bedrock: given.bedrock,
      trouble: given.trouble,
    });
    try {
      progress.say(`Stack ${given.environment} synthesised and running on ${cloud.endpoint}`);
      if (given.bedrock === "local") progress.say(STAND_IN_NOTE);
      report(cloud, progress, given.verbose);
      const work = serving ? serve(cloud, progress) : paintPrompts(cloud, jobs, given.output, progress);
      const outcomes = await Promise.race([work, aborted(interrupted)]);
      if (outcomes === "interrupted") {
        progress.say("Letting paintings under way finish; Ctrl-C again ends at once.");
        return stopped;
      }
      if (outcomes.includes("failed")) return EXIT.failed;
      return outcomes.includes("rejected") ? EXIT.rejected : EXIT.done;
    } finally {
      // What is cut off from here on is cut off on purpose.
      cloud.events.removeAllListeners();
      await cloud.stop();
    }
  } finally {
    await remove();
  }
}

/** Aborts at the first Ctrl-C; the second ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

async function aborted(signal: AbortSignal): Promise<"interrupted"> {
  if (!signal.aborted) await once(signal, "abort");
  return "interrupted";
}

const logLineSchema = z.object({ level: z.string(), message: z.unknown() });

/** Shows what the functions log: warnings and errors, or everything. */
function report(cloud: Cloud, progress: Progress, verbose: boolean): void {
  cloud.events.on("line", ({ functionName, line }) => {
    if (verbose || isWarning(line)) progress.say(`${functionName}: ${line}`);
  });
  cloud.events.on("invocation", ({ functionName, outcome }) => {
    if (outcome.type !== "error") return;
    progress.say(`${functionName}: ${outcome.error.errorType}: ${outcome.error.errorMessage}`);
  });
  cloud.events.on("trouble", (error) => {
    progress.say(`A queue does not answer: ${error instanceof Error ? error.message : String(error)}`);
  });
}

function isWarning(line: string): boolean {
  if (!line.startsWith("{")) return false;
  try {
    const parsed = logLineSchema.safeParse(JSON.parse(line));
    return parsed.success && ["WARN", "ERROR", "FATAL"].includes(parsed.data.level.toUpperCase());
  } catch {
    return false;
  }
}

/** Errors that the message alone explains: the user's own, and what an emulated service refuses. */
function isForUser(error: unknown): error is Error {
  return (
    error instanceof UserError || error instanceof SQSServiceException || error instanceof S3ServiceException
  );
}
