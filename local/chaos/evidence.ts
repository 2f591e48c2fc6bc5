import type { RequestEvent } from "../../functions/domain/events.ts";
import type { RequestRecord } from "../../functions/domain/record.ts";
import type { Invocation } from "./environments.ts";
import type { Plan, PlannedPrompt } from "./plan.ts";
import type { Journaled } from "./proxy.ts";

/** A call that was made for a prompt. */
export interface CallEvidence extends Journaled {
  readonly invocation: Invocation;
  /** Whether its fault also hits each attempt to repeat the call. */
  readonly isWhole: boolean;
  /** When it came, by its caller's clock, in milliseconds since the epoch. */
  readonly at: number;
}

/** A picture that the model was paid for. */
export interface PaidPicture {
  readonly sha256: string;
  /** The call that it was painted for. */
  readonly call: CallEvidence;
}

/** What is known of a prompt while it is under way. */
export interface Track {
  readonly requestId: string;
  readonly planned: PlannedPrompt;
  readonly calls: CallEvidence[];
  readonly paid: PaidPicture[];
  /** For each of its messages in the dead-letter queue: the last invocation that had it; undefined where none had. */
  readonly deadLetters: (Invocation | undefined)[];
  /** What its record said, one after the other, since it was sent or sent back. */
  readonly statuses: string[];
  /** How often the log says that it was taken over from an owner that died. */
  abandoned: number;
  /** How often the log says that a call of a model failed. */
  failedCalls: number;
  /** How much longer any lease ran than it may, by its owner's clock, in milliseconds; negative if shorter. */
  leaseExcessMs: number;
  /** How much longer than its owner can live any lease ran at the least, in milliseconds; negative if shorter. */
  leaseMarginMs: number;
  /** How many deletions, and deliveries too many, of those that are planned have taken place. */
  deletesLost: number;
  duplicates: number;
  /** Its deliveries at this moment, and those of them that wait for the others. */
  underWay: number;
  heldUp: number;
  /** Once its cancel or its deletion was confirmed: how many calls of a model there had been. */
  modelCallsWhenWithdrawn: number | undefined;
}

export interface StoredPicture {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Of the picture without its mark, as the model painted it. */
  readonly paintedSha256: string;
}

/** All that is known of a prompt from outside, once its messages are at rest. */
export interface PromptEvidence extends Readonly<Track> {
  readonly record: RequestRecord | undefined;
  /** What is in the bucket where its picture belongs. */
  readonly image: StoredPicture | undefined;
  /** The details of all events that tell of it. */
  readonly told: readonly RequestEvent[];
  /** If it was deleted: the keys of all versions that are left of its record, its picture and its entry in the index. */
  readonly versions: readonly string[];
}

/** How long a message was hidden, and after how many receives. */
export interface Wait {
  readonly receives: number;
  readonly seconds: number;
}

/** What an execution environment holds on to between two invocations, after a full collection of garbage. */
export interface Usage {
  readonly environment: string;
  /** How many it has had. */
  readonly invocations: number;
  readonly heapBytes: number;
  readonly handles: number;
}

/** What a run left behind. */
export interface Evidence {
  readonly plan: Plan;
  readonly prompts: readonly PromptEvidence[];
  /** Messages still under way after more time than any prompt is kept. */
  readonly restless: number;
  /** Waits of prompts that no model took. */
  readonly waits: readonly Wait[];
  readonly usage: readonly Usage[];
  /** What the metric `AbandonedLeases` counted. */
  readonly abandonedLeases: number;
  /** How many log lines and events have a prompt. */
  readonly promptsTold: number;
  /** Pictures on the model's own bill. */
  readonly billed: number;
  /** List price of these, but for those whose owner was killed and could not count them; in US dollars. */
  readonly countableUsd: number;
  /** What the metric `EstimatedCostUsd` counted. */
  readonly estimatedUsd: number;
  readonly messages: number;
  /** Each is an invocation of its own. */
  readonly deliveries: number;
  readonly kills: number;
  /** Simulated time, in seconds. */
  readonly seconds: number;
}
