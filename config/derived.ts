import { type Model, models } from "../functions/domain/models.ts";
import { PROMPT_RETENTION_SECONDS, type Thresholds, thresholdsOf } from "./alarms.ts";
import type { Settings } from "./settings.ts";

/** The smallest `MaximumConcurrency` that Lambda takes for an SQS event source. */
export const FEWEST_INVOCATIONS = 2;

/** How much longer a lease holds than its owner can live, in seconds: room for clocks that differ. */
const CLOCK_SKEW_SECONDS = 30;

const DAY_SECONDS = 86_400;

/** How many batches may be painted at once, so that the first model's limit is kept. */
export function maximumConcurrency(modelConcurrency: number, batchSize: number): number {
  return Math.floor(modelConcurrency / batchSize);
}

/** A model of the chain, with all that the consumer needs to know of it. */
export interface ChainedModel extends Pick<Model, "id" | "pricePerImageUsd" | "takesMode"> {
  readonly region: string;
  /** How many calls one invocation may have under way at once. */
  readonly slots: number;
}

/** What follows from the settings. None of it is ever set by hand. */
export interface Derived {
  /** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig */
  readonly visibilityTimeoutSeconds: number;
  readonly maximumConcurrency: number;
  /** How many pictures are painted at once. */
  readonly picturesAtOnce: number;
  readonly leaseSeconds: number;
  /** How long SQS keeps a prompt; one that is older is not sent anew either. */
  readonly promptRetentionSeconds: number;
  /** How long the dead-letter queue keeps a prompt: as long as SQS can. */
  readonly deadLetterRetentionSeconds: number;
  readonly modelChain: readonly ChainedModel[];
  readonly thresholds: Thresholds;
}

export function derive(settings: Settings): Derived {
  const { consumer } = settings;
  const [first] = settings.models;
  if (first === undefined) throw new Error("checked settings have a model");
  const invocations = maximumConcurrency(first.concurrency, consumer.batchSize);
  return {
    visibilityTimeoutSeconds: 6 * consumer.timeoutSeconds + consumer.batchWindowSeconds,
    maximumConcurrency: invocations,
    picturesAtOnce: invocations * consumer.batchSize,
    leaseSeconds: consumer.timeoutSeconds + CLOCK_SKEW_SECONDS,
    promptRetentionSeconds: PROMPT_RETENTION_SECONDS,
    deadLetterRetentionSeconds: 14 * DAY_SECONDS,
    thresholds: thresholdsOf(settings),
    modelChain: settings.models.map(({ id, region, concurrency, pricePerImageUsd }) => {
      const model = models.find((candidate) => candidate.id === id);
      if (model === undefined) throw new Error(`checked settings name no unknown model: ${id}`);
      return {
        id,
        region: region ?? model.regions[0],
        pricePerImageUsd: pricePerImageUsd ?? model.pricePerImageUsd,
        takesMode: model.takesMode,
        slots: Math.floor(concurrency / invocations),
      };
    }),
  };
}
