import fc from "fast-check";
import type { Evidence } from "./evidence.ts";
import { type Violation, violations } from "./invariants.ts";
import { type Plan, plans } from "./plan.ts";
import { runPlan } from "./run.ts";
import type { World } from "./world.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** How many schedules to draw from the seed. */
  readonly schedules: number;
  /** How many prompts one schedule has at the most. */
  readonly mostPrompts: number;
  /** How long to look for a shorter schedule that fails too, in milliseconds. */
  readonly shrinkMs: number;
}

export interface ChaosResult {
  /** What was left behind by each schedule that kept all promises; of single schedules, by each. */
  readonly evidence: readonly Evidence[];
  readonly violations: readonly Violation[];
  /** The shortest schedule found that breaks a promise. */
  readonly shortest: Plan | undefined;
}

/** Runs schedules drawn from a seed, until one breaks a promise; that one is shrunk to the shortest that does. */
export async function runChaos(world: World, options: ChaosOptions): Promise<ChaosResult> {
  const evidence: Evidence[] = [];
  let failure: Pick<ChaosResult, "violations" | "shortest"> = { violations: [], shortest: undefined };
  let shrinkUntil = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(plans(options.mostPrompts), async (plan) => {
    // fast-check's own time limit would leave a run under way that goes on using the world.
    if (performance.now() > shrinkUntil) return true;
    const left = await runPlan(world, plan);
    const broken = left.flatMap(violations);
    if (broken.length === 0) {
      if (failure.shortest === undefined) evidence.push(...left);
      return true;
    }
    if (failure.shortest === undefined) shrinkUntil = performance.now() + options.shrinkMs;
    failure = { shortest: plan, violations: broken };
    return false;
  });
  await fc.check(property, { seed: options.seed, numRuns: options.schedules });
  return { evidence, ...failure };
}
