import { loadSettings } from "../config/load.ts";
import { DeployError } from "./errors.ts";
import { makePlan } from "./make-plan.ts";
import { checkTrust, preflight } from "./preflight.ts";
import { readState } from "./terraform-plan.ts";
import { cdktf, command, confirm, environment } from "./tool.ts";

await command(async () => {
  const settings = await loadSettings(environment);
  await checkTrust(settings, await preflight(settings));
  const { refusals } = await makePlan(settings);
  if (refusals.length > 0) throw new DeployError(refusals.join("\n"));
  await confirm(`Apply this plan to ${settings.suffix}?`, "apply");
  // Terraform adds these words to `apply`: it applies the plan that was shown, without a question, or nothing if the state
  // has changed. https://developer.hashicorp.com/terraform/cli/config/environment-variables#tf_cli_args-and-tf_cli_args_name
  const env = { TF_CLI_ARGS_apply: "-input=false plan" };
  const interrupted = `Interrupted. Terraform has stopped, saved the state, and released the lock. The next plan shows the remaining changes. Type: ENVIRONMENT=${environment} npm run deploy`;
  await cdktf(["deploy", "pipeline", "--skip-synth"], { env, interrupted });
  const unconfirmed = (await readState({ interrupted })).filter(
    ({ type, values }) => type === "aws_sns_topic_subscription" && values.pending_confirmation === true,
  );
  for (const address of new Set(unconfirmed.map(({ values }) => String(values.endpoint)))) {
    console.warn(`Warning: ${address} gets no alarms until its owner confirms the e-mails from AWS.`);
  }
});
