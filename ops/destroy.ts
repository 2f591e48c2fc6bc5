import { loadSettings } from "../config/load.ts";
import { DeployError } from "./errors.ts";
import { preflight } from "./preflight.ts";
import { foreignEnvironments, readState } from "./terraform-plan.ts";
import { command, confirm, environment, openPipeline, terraform } from "./tool.ts";

await command(async () => {
  const settings = await loadSettings(environment);
  if (settings.production) {
    throw new DeployError(
      `${settings.suffix} is production, which no command destroys. Set production to false in config/environments/${environment}.ts, deploy that, then type: ENVIRONMENT=${environment} npm run destroy`,
    );
  }
  await preflight(settings);
  await openPipeline();
  const refusals = foreignEnvironments(await readState(), settings.suffix);
  if (refusals.length > 0) throw new DeployError(refusals.join("\n"));
  const pictures =
    settings.imageBucket.kind === "new"
      ? `and all pictures and records in ${settings.imageBucket.name}`
      : `but not the pictures and records in ${settings.imageBucket.name}`;
  console.log(
    `This destroys the environment ${settings.suffix}: its queues with all waiting prompts, its functions and logs, ${pictures}.`,
  );
  await confirm("This cannot be undone.", settings.suffix);
  await terraform("pipeline", ["destroy", "-input=false", "-auto-approve"], {
    interrupted: `Interrupted. Terraform has stopped, saved the state, and released the lock. To destroy the rest, type: ENVIRONMENT=${environment} npm run destroy`,
  });
});
