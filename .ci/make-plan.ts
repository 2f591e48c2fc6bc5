import { writeFileSync } from "node:fs";
import { judge } from "../config/policies/judge.ts";
import { readStack } from "../config/policies/stack.ts";
import type { Settings } from "../config/settings.ts";
import { dataLossAllowed, summarise } from "./github.ts";
import { type PlanReport, reportOn } from "./plan-report.ts";
import { readPlan } from "./terraform-plan.ts";
import { cdktf } from "./tool.ts";

/** Where the report on the last plan is. */
export const PLAN_REPORT = "cdktf.out/plan.md";

/**
 * Plans with cdktf, which saves the plan as `cdktf.out/stacks/pipeline/plan`, and reports on it.
 * @param lock whether nobody else may plan or apply meanwhile; needs a role that may write
 */
export async function makePlan(settings: Settings, lock: boolean): Promise<PlanReport> {
  await cdktf(["plan", "pipeline"], { env: { TF_CLI_ARGS_plan: `-lock=${lock}` } });
  const verdict = judge(readStack("cdktf.out/stacks/pipeline/cdk.tf.json"), new Date());
  const report = reportOn(await readPlan(), verdict, settings.suffix, await dataLossAllowed());
  writeFileSync(PLAN_REPORT, report.markdown);
  console.log(`\n${report.markdown}`);
  summarise(report.markdown);
  return report;
}
