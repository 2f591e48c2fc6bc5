import type { Fault, Plan, PlannedPrompt } from "../../local/chaos/plan.ts";

/** A prompt with which nothing goes wrong, but for what is given. */
export function prompt(change: Partial<PlannedPrompt> = {}): PlannedPrompt {
  return { body: "request", sent: 1, duplicates: 0, deletesLost: 0, faults: [], ...change };
}

/** A schedule of prompts, three at once. */
export function plan(prompts: readonly PlannedPrompt[], change: Partial<Plan> = {}): Plan {
  return { prompts, clockSkewsMs: [0], invocationsAtOnce: 3, stormMinutes: 0, order: 1, ...change };
}

/** Of the sample settings. */
export const RECEIVE_LIMIT = 10;
/** A call of the queue for each receive: the last but one sends a copy. */
export const THE_RESEND = { on: "queue", nth: RECEIVE_LIMIT - 2, whole: true } as const;

/** The models are throttled for so many receives. */
export function throttled(receives: number): Fault[] {
  return Array.from({ length: 2 * receives }, (_, nth) => ({ on: "model", nth, kind: "throttled" }));
}
