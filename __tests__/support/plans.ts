import type { Plan, PlannedPrompt } from "../../local/chaos/plan.ts";

/** A prompt with which nothing goes wrong, but for what is given. */
export function prompt(change: Partial<PlannedPrompt> = {}): PlannedPrompt {
  return { body: "request", sent: 1, duplicates: 0, deletesLost: 0, faults: [], ...change };
}

/** A schedule of prompts, three at once. */
export function plan(prompts: readonly PlannedPrompt[], change: Partial<Plan> = {}): Plan {
  return { prompts, clockSkewsMs: [0], invocationsAtOnce: 3, stormMinutes: 0, order: 1, ...change };
}
