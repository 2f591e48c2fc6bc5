import type { Thresholds } from "../../config/alarms.ts";
import type { ChainedModel } from "../../config/derived.ts";
import type { Settings } from "../../config/settings.ts";

/** A load, and the pipeline that has to carry it. Times are in seconds. */
export interface Question {
  readonly prompts: number;
  /** The prompts come at random times within this; 0: all at once. */
  readonly within: number;
  readonly models: readonly PlannedModel[];
  readonly consumer: Settings["consumer"];
  /** Invocations at once; each paints one picture. */
  readonly maximumConcurrency: number;
  /** The most that settings may name and the account can run. */
  readonly mostConcurrency: number;
  /** How long the queue keeps a prompt. */
  readonly retention: number;
  /** Processor time for a picture beside the model. */
  readonly cpuPerPicture: number;
  /** Processor time to load the function. */
  readonly cpuToStart: number;
  /** Until S3 answers a conditional write. */
  readonly write: number;
  /** What the alarms compare with. */
  readonly thresholds: Thresholds;
  /** Same seed, same answer. */
  readonly seed: number;
}

/** A model as it behaves. */
export interface PlannedModel extends Pick<ChainedModel, "id" | "pricePerImageUsd"> {
  /** The median time for a picture. */
  readonly latency: number;
  /** How much the time varies: the standard deviation of its logarithm. 0: not at all. */
  readonly latencySpread: number;
  /** Share of calls that are throttled, whatever is under way; below 1. */
  readonly throttle: number;
  /** Share of calls that fail after the model has worked; below 1. */
  readonly failures: number;
  /** Calls at once that the model takes; more are throttled. Default: any number. */
  readonly concurrency?: number | undefined;
  /** Calls that the model takes within a minute; more are throttled. Default: any number. */
  readonly requestsPerMinute?: number | undefined;
}
