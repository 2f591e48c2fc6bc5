import { loadSettings } from "../config/load.ts";
import { DeployError } from "./errors.ts";
import { preflight } from "./preflight.ts";
import { readState, strangers } from "./terraform-plan.ts";
import { command, confirm, environment, openPipeline, terraform } from "./tool.ts";

await command(async () => {
  const settings = await loadSettings(environment);
  if (settings.production) {
    throw new DeployError(
      `${settings.suffix} is production: it is not destroyed by command. Set production to false in config/environments/${environment}.ts, deploy that, then type: ENVIRONMENT=${environment} npm run destroy`,
    );
  }
  await preflight(settings);
  await openPipeline();
  const refusals = strangers(await readState(), settings.suffix);
  if (refusals.length > 0) throw new DeployError(refusals.join("\n"));
  const pictures =
    settings.imageBucket.kind === "new"
      ? `all pictures and records in ${settings.imageBucket.name}`
      : `but no picture or record: ${settings.imageBucket.name} stays`;
  console.log(
    `This destroys the environment ${settings.suffix}: its queues with all waiting prompts, its functions and logs, ${pictures}.`,
  );
  await confirm("This cannot be undone.", settings.suffix);
  await terraform("pipeline", ["destroy", "-input=false", "-auto-approve"], {
    interrupted: `Interrupted. Terraform has stopped, written down what AWS had confirmed, and freed the lock. To destroy the rest, type: ENVIRONMENT=${environment} npm run destroy`,
  });
});
