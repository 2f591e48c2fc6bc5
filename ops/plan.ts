import { loadSettings } from "../config/load.ts";
import { DeployError } from "./errors.ts";
import { postComment } from "./github.ts";
import { makePlan, PLAN_REPORT } from "./make-plan.ts";
import { headingOf } from "./plan-report.ts";
import { checkTrust, preflight } from "./preflight.ts";
import { command, environment } from "./tool.ts";

await command(async () => {
  const settings = await loadSettings(environment);
  await checkTrust(settings, await preflight(settings));
  const { refusals } = await makePlan(settings);
  await postComment(PLAN_REPORT, headingOf(settings.suffix));
  if (refusals.length > 0) throw new DeployError(refusals.join("\n"));
});
