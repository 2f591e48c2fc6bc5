import { type Model, models } from "../functions/domain/models.ts";
import {
  LONGEST_RETENTION_SECONDS,
  PROMPT_RETENTION_SECONDS,
  type Thresholds,
  thresholdsOf,
} from "./alarms.ts";
import { apiConcurrency } from "./concurrency.ts";
import type { Settings } from "./settings.ts";

/** How much longer a lease holds than its owner can live, in seconds: room for clocks that differ. */
const CLOCK_SKEW_SECONDS = 30;

/** A model of the chain, with all that the consumer needs to know of it. */
export interface ChainedModel extends Pick<Model, "id" | "pricePerImageUsd" | "takesMode"> {
  readonly region: string;
}

/** What follows from the settings. None of it is ever set by hand. */
export interface Derived {
  /** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig */
  readonly visibilityTimeoutSeconds: number;
  /** How many invocations run at once. Each paints one picture. */
  readonly maximumConcurrency: number;
  /** How many executions of the API's function are reserved, and the most that it gets; undefined where Lambda reserves none. */
  readonly apiConcurrency: number | undefined;
  readonly leaseSeconds: number;
  /** How long SQS keeps a prompt; one that is older is not re-sent either. */
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
  return {
    visibilityTimeoutSeconds: 6 * consumer.timeoutSeconds,
    maximumConcurrency: first.concurrency,
    apiConcurrency: apiConcurrency(settings.accountConcurrency),
    leaseSeconds: consumer.timeoutSeconds + CLOCK_SKEW_SECONDS,
    promptRetentionSeconds: PROMPT_RETENTION_SECONDS,
    deadLetterRetentionSeconds: LONGEST_RETENTION_SECONDS,
    thresholds: thresholdsOf(settings),
    modelChain: settings.models.map(({ id, region, pricePerImageUsd }) => {
      const model = models.find((candidate) => candidate.id === id);
      if (model === undefined) throw new Error(`checked settings name no unknown model: ${id}`);
      return {
        id,
        region: region ?? model.regions[0],
        pricePerImageUsd: pricePerImageUsd ?? model.pricePerImageUsd,
        takesMode: model.takesMode,
      };
    }),
  };
}
