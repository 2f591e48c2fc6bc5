import type { Thresholds } from "../../config/alarms.ts";
import type { ChainedModel } from "../../config/derived.ts";

/** What a planner needs to know. Times are in seconds. */
export interface Question {
  readonly prompts: number;
  /** The prompts come at random times within this; 0: all at once. */
  readonly within: number;
  readonly models: readonly PlannedModel[];
  readonly consumer: {
    readonly memoryMb: number;
    readonly timeout: number;
    /** The longest that one call of a model may take. */
    readonly modelTimeout: number;
    readonly maximumConcurrency: number;
    readonly receiveLimit: number;
  };
  /** How long the queue keeps a prompt. */
  readonly retention: number;
  readonly measured: Measured;
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
  /** Share of calls that are throttled, whatever is under way. */
  readonly throttle: number;
  /** Share of calls that fail after the model has worked. */
  readonly failures: number;
}

/** What the pipeline itself takes, as it was measured. */
export interface Measured {
  /** Time of one virtual processor for a picture, beside the model. */
  readonly cpuPerPicture: number;
  /** Of one virtual processor, to load the function. */
  readonly cpuToStart: number;
  /** Until a conditional write is answered. */
  readonly write: number;
}

/** The planner was asked for something that cannot be. */
export class QuestionError extends Error {
  override readonly name = "QuestionError";
}

/** @throws QuestionError that names everything that makes no sense */
export function checkQuestion({ prompts, within, models, consumer, measured, thresholds }: Question): void {
  const problems: string[] = [];
  const must = (holds: boolean, name: string, value: number | string, rule: string) => {
    if (!holds) problems.push(`${name} = ${value} ${rule}`);
  };
  must(Number.isInteger(prompts) && prompts > 0, "prompts", prompts, "must be a whole number above 0");
  must(prompts <= 5_000_000, "prompts", prompts, "must be at most 5 million: plan a day, not a year");
  must(within >= 0, "within", within, "must not be negative");
  must(consumer.maximumConcurrency > 0, "concurrency", consumer.maximumConcurrency, "must be above 0");
  must(
    consumer.memoryMb >= 128 && consumer.memoryMb <= 10_240,
    "memory",
    consumer.memoryMb,
    "must be 128 to 10240 MB",
  );
  must(models.length > 0, "models", models.length, "must name at least one");
  for (const { id, latency, latencySpread, throttle, failures, pricePerImageUsd } of models) {
    must(latency > 0, `${id}: latency`, latency, "must be above 0 seconds");
    must(latencySpread >= 0 && latencySpread <= 2, `${id}: latency spread`, latencySpread, "must be 0 to 2");
    must(throttle >= 0 && throttle < 1, `${id}: throttle`, throttle, "must be 0 to below 1");
    must(failures >= 0 && failures < 1, `${id}: failures`, failures, "must be 0 to below 1");
    must(pricePerImageUsd > 0, `${id}: price`, pricePerImageUsd, "must be above 0 US dollars");
    must(
      latency < consumer.modelTimeout,
      `${id}: latency`,
      latency,
      `is not below the model's time-out of ${consumer.modelTimeout} s: nothing would ever be painted`,
    );
  }
  for (const [name, value] of Object.entries(measured)) must(value >= 0, name, value, "must not be negative");
  for (const [name, value] of Object.entries(thresholds)) must(value > 0, name, value, "must be above 0");
  if (problems.length > 0) throw new QuestionError(problems.join("\n"));
}
