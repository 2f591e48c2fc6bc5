import { once } from "node:events";
import { S3ServiceException } from "@aws-sdk/client-s3";
import { SQSServiceException } from "@aws-sdk/client-sqs";
import { startCloud } from "../cloud.ts";
import { UserError } from "../user-error.ts";
import type { Arguments } from "./arguments.ts";
import { type PaintingOutcome, paintPrompts } from "./paint-prompts.ts";
import type { Progress } from "./progress.ts";
import type { Job } from "./prompts.ts";
import { requireRealModels } from "./real-model.ts";
import { report } from "./report.ts";
import { serve } from "./serve.ts";
import { watchCode } from "./watch.ts";

/** Where the HTTP API answers while serving, so that what is written down about it can be pasted. */
const SERVED_API_PORT = 4567;

/** What is being painted by the real model is paid for. Lambda ends every function after 15 minutes at the latest. */
const PAID_GRACE_MS = 15 * 60_000;

const STAND_IN_NOTE =
  "Pictures come from a stand-in painter on this machine, not from a text-to-image model (--bedrock aws asks the real one).";

export interface Run {
  readonly given: Arguments;
  /** The folder of the synthesised stack. */
  readonly stackDir: string;
  /** What to paint; none: serve. */
  readonly jobs: readonly Job[];
  readonly progress: Progress;
  readonly interrupted: AbortSignal;
}

/** Runs the stack until every prompt has come to an end, or until it is interrupted. */
export async function runStack(run: Run): Promise<readonly PaintingOutcome[] | "interrupted"> {
  const { given, stackDir, jobs, progress, interrupted } = run;
  const serving = jobs.length === 0;
  const cloud = await startCloud({
    stackDir,
    ...(given.port !== undefined && { port: given.port }),
    ...(given.port === undefined && !serving && { port: 0 }),
    apiPort: given.apiPort ?? (serving ? SERVED_API_PORT : 0),
    ...(given.state !== undefined && { stateDirectory: given.state }),
    bedrock: given.bedrock,
    ...(given.bedrock === "aws" && { graceMs: PAID_GRACE_MS }),
    accountConcurrency: given.accountConcurrency,
    trouble: given.trouble,
    alarmSpeed: given.alarmSpeed,
    ...(given.webhook !== undefined && { webhook: given.webhook }),
  });
  try {
    progress.say(`Stack ${given.environment} synthesised and running on ${cloud.endpoint}`);
    if (cloud.leftInFlight > 0) {
      progress.say(
        `Messages in flight when the last run ended: ${cloud.leftInFlight}. They are visible again. A request that was being painted waits for its lease to end, ${cloud.leaseSeconds} seconds at most.`,
      );
    }
    if (given.bedrock === "local") progress.say(STAND_IN_NOTE);
    else await requireRealModels(cloud);
    report(cloud, progress, given.verbose);
    const stopped = aborted(interrupted).then(() => {
      progress.say("Letting paintings under way finish; Ctrl-C again ends at once.");
      return Promise.all(cloud.eventSources.map((source) => source.stop()));
    });
    if (given.watch) watchCode(cloud, run);
    if (serving) await Promise.race([serve(cloud, progress), stopped]);
    const outcomes = await paintPrompts(cloud, jobs, given, progress, stopped);
    return interrupted.aborted ? "interrupted" : outcomes;
  } catch (error) {
    // What an emulated service refuses, an over-long message for example, explains itself.
    if (error instanceof SQSServiceException || error instanceof S3ServiceException) {
      throw new UserError(error.message);
    }
    throw error;
  } finally {
    // What is cut off from here on is cut off on purpose.
    cloud.events.removeAllListeners();
    await cloud.stop();
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
