import { checkSettings } from "../../config/check.ts";
import { derive } from "../../config/derived.ts";
import { loadSettings } from "../../config/load.ts";
import type { Settings } from "../../config/settings.ts";
import measured from "../measured.json" with { type: "json" };
import { type Question, QuestionError } from "./question.ts";

/** A load, and what is different from the environment's settings. Times are in seconds. */
export interface Asked {
  readonly environment: string;
  readonly users: number;
  readonly promptsPerUser: number;
  readonly within: number;
  /** Of every model of the chain; AWS publishes none, the metric `ModelLatency` has the true one. */
  readonly latency: number;
  readonly latencySpread: number;
  readonly throttle: number;
  readonly failures: number;
  /** Default: what the settings say. */
  readonly concurrency?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly seed: number;
}

/** Until S3 answers a small conditional write, in seconds. AWS says "100–200 milliseconds" for small objects' first byte. */
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
const S3_WRITE = 0.1;

/** @throws QuestionError or SettingsError that names what makes no sense */
export async function questionOf(asked: Asked): Promise<Question> {
  const settings = changed(await loadSettings(asked.environment), asked);
  const { modelChain, maximumConcurrency, promptRetentionSeconds, thresholds } = derive(settings);
  const { latency, latencySpread, throttle, failures } = asked;
  const { memoryMb, timeoutSeconds, modelTimeoutSeconds, receiveLimit } = settings.consumer;
  return {
    prompts: asked.users * asked.promptsPerUser,
    within: asked.within,
    models: modelChain.map(({ id, pricePerImageUsd }) => ({
      ...{ id, pricePerImageUsd },
      ...{ latency, latencySpread, throttle, failures },
    })),
    consumer: {
      ...{ memoryMb, maximumConcurrency, receiveLimit },
      timeout: timeoutSeconds,
      modelTimeout: modelTimeoutSeconds,
    },
    retention: promptRetentionSeconds,
    measured: {
      cpuPerPicture: measured.pictureMs / 1000,
      cpuToStart: measured.startMs / 1000,
      write: S3_WRITE,
    },
    thresholds,
    seed: asked.seed,
  };
}

function changed(settings: Settings, { concurrency, memoryMb }: Asked): Settings {
  const [first, ...others] = settings.models;
  const checked = checkSettings({
    ...settings,
    models: [{ ...first, ...(concurrency !== undefined && { concurrency }) }, ...others],
    consumer: { ...settings.consumer, ...(memoryMb !== undefined && { memoryMb }) },
  });
  if (checked.ok) return checked.settings;
  const problems = checked.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new QuestionError(problems.join("\n"));
}
