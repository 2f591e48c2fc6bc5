import { writeFileSync } from "node:fs";
import type { Settings } from "../config/settings.ts";
import { findMissingAgreements } from "./agreements.ts";
import { dataLossAllowed, summarise } from "./github.ts";
import { type PlanReport, reportOn } from "./plan-report.ts";
import { judge } from "./policies/judge.ts";
import { readStack } from "./policies/stack.ts";
import { waivers } from "./policies/waivers.ts";
import { planPipeline } from "./terraform-plan.ts";

export const PLAN_REPORT = "cdktf.out/plan.md";

/** Plans the pipeline, and prints and saves the report on the plan. */
export async function makePlan(settings: Settings): Promise<PlanReport> {
  for (const model of await findMissingAgreements([settings])) {
    console.warn(
      `Warning: ${model.kind === "by-hand" ? model.problem : `${model.id} in ${model.region} has no agreement: calls succeed for up to 15 minutes, then answer AccessDeniedException. As an administrator, type: npm run bootstrap`}.`,
    );
  }
  const plan = await planPipeline();
  const verdict = judge(readStack("cdktf.out/stacks/pipeline/cdk.tf.json"), waivers);
  const report = reportOn(plan, verdict, settings.suffix, await dataLossAllowed());
  writeFileSync(PLAN_REPORT, report.markdown);
  console.log(`\n${report.markdown}`);
  summarise(report.markdown);
  return report;
}
