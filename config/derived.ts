import type { Model } from "../functions/domain/models/contract.ts";
import { models } from "../functions/domain/models.ts";
import {
  LONGEST_RETENTION_SECONDS,
  PROMPT_RETENTION_SECONDS,
  type Thresholds,
  thresholdsOf,
} from "./alarms.ts";
import { apiConcurrency, callsAtOnce } from "./concurrency.ts";
import type { Settings } from "./settings.ts";

/** How much longer a lease is than the function's timeout, in seconds: clocks may differ. */
const CLOCK_SKEW_SECONDS = 30;

/** A model of the chain, as the consumer needs it. */
export interface ChainedModel extends Pick<Model, "id" | "pricePerImageUsd"> {
  readonly region: string;
}

/** The values that follow from the settings. */
export interface Derived {
  /** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig */
  readonly visibilityTimeoutSeconds: number;
  /** The number of concurrent invocations of the consumer. Each paints one picture. */
  readonly maximumConcurrency: number;
  /** The reserved concurrency of the API's function; undefined for none. */
  readonly apiConcurrency: number | undefined;
  readonly leaseSeconds: number;
  /** The retention of prompts. An older one is not re-sent either. */
  readonly promptRetentionSeconds: number;
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
    maximumConcurrency: callsAtOnce(first),
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
      };
    }),
  };
}
