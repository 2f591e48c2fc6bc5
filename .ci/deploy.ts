import { loadSettings } from "../config/load.ts";
import { DeployError } from "./errors.ts";
import { makePlan } from "./make-plan.ts";
import { preflight } from "./preflight.ts";
import { readState } from "./terraform-plan.ts";
import { command, confirm, environment, terraform } from "./tool.ts";

await command(async () => {
  const settings = await loadSettings(environment);
  await preflight(settings);
  const { refusals } = await makePlan(settings, true);
  if (refusals.length > 0) throw new DeployError(refusals.join("\n"));
  await confirm(`Apply this plan to ${settings.suffix}?`, "apply");
  // `cdktf deploy` would make a plan of its own; Terraform applies this one, or nothing when the state has changed.
  await terraform("pipeline", ["apply", "-input=false", "plan"]);
  for (const { endpoint, pending_confirmation: pending } of await readState("aws_sns_topic_subscription")) {
    if (pending === true)
      console.warn(`Warning: ${String(endpoint)} gets no alarms yet. Confirm the e-mail from AWS.`);
  }
});
