import { checkSettings } from "../../config/check.ts";
import { consumerConcurrency } from "../../config/concurrency.ts";
import { derive } from "../../config/derived.ts";
import { loadSettings } from "../../config/load.ts";
import measured from "../measured.json" with { type: "json" };
import type { PlannedModel, Question } from "./question.ts";

/** A load, and what is different from the environment's settings. Times are in seconds. */
export interface Asked extends Omit<PlannedModel, "id" | "pricePerImageUsd"> {
  readonly environment: string;
  readonly users: number;
  readonly promptsPerUser: number;
  readonly within: number;
  /** Of the first model. Default: the settings. */
  readonly concurrency?: number | undefined;
  /** Executions that the account runs at once. Default: the settings. */
  readonly accountConcurrency?: number | undefined;
  /** Default: the settings. */
  readonly memoryMb?: number | undefined;
  readonly seed: number;
}

/** The question contains values that cannot be planned with. */
export class QuestionError extends Error {
  override readonly name = "QuestionError";
}

const MOST_PROMPTS = 5_000_000;
/** The most calls at once that settings may name. */
const MOST_CALLS = 1000;
/** Until S3 answers a small conditional write, in seconds. AWS says "100–200 milliseconds" for small objects' first byte. */
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
const S3_WRITE = 0.1;

/** @throws QuestionError or SettingsError that names every value that is not valid */
export async function questionOf(asked: Asked): Promise<Question> {
  const { users, promptsPerUser, within, concurrency, memoryMb, seed } = asked;
  const { latency, latencySpread, throttle, failures, requestsPerMinute } = asked;
  const settings = await loadSettings(asked.environment);
  const [first, ...others] = settings.models;
  // One limit for each model.
  const limit = concurrency !== undefined && { concurrency, requestsPerMinute: undefined };
  const checked = checkSettings({
    ...settings,
    models: [{ ...first, ...limit }, ...others],
    accountConcurrency: asked.accountConcurrency ?? settings.accountConcurrency,
    consumer: { ...settings.consumer, ...(memoryMb !== undefined && { memoryMb }) },
  });
  const problems = checked.ok
    ? []
    : checked.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
  const prompts = users * promptsPerUser;
  if (prompts > MOST_PROMPTS) {
    problems.push(`${prompts} prompts are more than ${MOST_PROMPTS}. Plan a day, not a year`);
  }
  const { modelTimeoutSeconds } = settings.consumer;
  if (latency >= modelTimeoutSeconds) {
    problems.push(
      `a latency of ${latency} s is not below the model's time-out of ${modelTimeoutSeconds} s: most prompts would never be painted. Use a shorter one`,
    );
  }
  if (!checked.ok || problems.length > 0) throw new QuestionError(problems.join("\n"));
  const { modelChain, maximumConcurrency, promptRetentionSeconds, thresholds } = derive(checked.settings);
  return {
    ...{ prompts, within, maximumConcurrency, thresholds, seed, write: S3_WRITE },
    models: modelChain.map(({ id, pricePerImageUsd }, index) => ({
      ...checked.settings.models[index],
      ...{ id, pricePerImageUsd, latency, latencySpread, throttle, failures },
      // The first model gets no more calls at once than there are invocations.
      ...(index === 0 && { concurrency: undefined }),
      ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    })),
    consumer: checked.settings.consumer,
    mostConcurrency: Math.min(MOST_CALLS, consumerConcurrency(checked.settings.accountConcurrency)),
    retention: promptRetentionSeconds,
    cpuPerPicture: measured.pictureMs / 1000,
    cpuToStart: measured.startMs / 1000,
  };
}
