import { writeFileSync } from "node:fs";
import type { Settings } from "../config/settings.ts";
import { dataLossAllowed, summarise } from "./github.ts";
import { type PlanReport, reportOn } from "./plan-report.ts";
import { judge } from "./policies/judge.ts";
import { readStack } from "./policies/stack.ts";
import { waivers } from "./policies/waivers.ts";
import { planPipeline } from "./terraform-plan.ts";

/** Where the report on the last plan is. */
export const PLAN_REPORT = "cdktf.out/plan.md";

/** Plans the pipeline, and reports on the plan. */
export async function makePlan(settings: Settings): Promise<PlanReport> {
  const plan = await planPipeline();
  const verdict = judge(readStack("cdktf.out/stacks/pipeline/cdk.tf.json"), waivers);
  const report = reportOn(plan, verdict, settings.suffix, await dataLossAllowed());
  writeFileSync(PLAN_REPORT, report.markdown);
  console.log(`\n${report.markdown}`);
  summarise(report.markdown);
  return report;
}
