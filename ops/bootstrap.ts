import { existsSync, rmSync, writeFileSync } from "node:fs";
import { loadNeighbours, loadSettings } from "../config/load.ts";
import { BOOTSTRAP_KEY } from "../config/settings.ts";
import { acceptAgreement, findMissingAgreements } from "./agreements.ts";
import { checkTools, stateBucketExists } from "./preflight.ts";
import { checkEnvironments, checkRefIsRead, checkRepository } from "./repository.ts";
import { cdktf, command, confirm, environment, terraform } from "./tool.ts";

/** Where the state is until its bucket exists. Not in `cdktf.out`, which may be deleted at any time. */
const LOCAL_STATE = "terraform.tfstate.bootstrap";
/** It replaces the stack's backend. https://developer.hashicorp.com/terraform/language/files/override */
const OVERRIDE = "cdktf.out/stacks/bootstrap/backend_override.tf.json";

await command(async () => {
  const settings = await loadSettings(environment);
  const { bucket } = settings.state;
  const account = await checkTools(settings);
  const environments = [settings, ...(await loadNeighbours(settings))];
  for (const { github } of new Map(environments.map((one) => [JSON.stringify(one.github), one])).values()) {
    const { repository } = github;
    const suffixes = environments
      .filter((one) => one.github.repository === repository)
      .map(({ suffix }) => suffix);
    for (const unchecked of [await checkRepository(github), await checkEnvironments(repository, suffixes)]) {
      if (unchecked !== undefined) console.warn(`Warning: ${unchecked}`);
    }
  }
  for (const one of environments) await checkRefIsRead(one);
  const missing = await findMissingAgreements(environments);
  const isFirst = existsSync(LOCAL_STATE) || !(await stateBucketExists(settings, account));
  console.log(
    [
      `This creates or updates in account ${account}:`,
      `  the bucket ${bucket} for Terraform's state: versioned, encrypted, TLS only, protected against deletion`,
      `  GitHub's OIDC provider, and for each environment a plan role and an apply role for ${settings.github.repository}`,
      "  for each environment a permissions boundary for its functions, and a key for its alarms' notifications",
      ...missing.flatMap((model) =>
        model.kind === "offered"
          ? [
              `  the agreement for ${model.id} in ${model.region}. By continuing you accept its terms: ${model.terms}`,
            ]
          : [],
      ),
      ...(isFirst
        ? [`The state is in ${LOCAL_STATE} first, then moves to s3://${bucket}/${BOOTSTRAP_KEY}.`]
        : []),
    ].join("\n"),
  );
  await confirm(`Continue in account ${account}?`, account);
  await cdktf(["synth"]);
  const interrupted = "Interrupted. The state is saved. To continue, type: npm run bootstrap";
  if (isFirst) {
    writeFileSync(
      OVERRIDE,
      JSON.stringify({ terraform: { backend: { local: { path: `../../../${LOCAL_STATE}` } } } }),
    );
  }
  await terraform("bootstrap", ["init", "-input=false", "-reconfigure"]);
  await terraform("bootstrap", ["apply", "-input=false", "-auto-approve"], { interrupted });
  if (isFirst) {
    rmSync(OVERRIDE);
    await terraform("bootstrap", ["init", "-input=false", "-migrate-state", "-force-copy"], { interrupted });
    rmSync(LOCAL_STATE);
    rmSync(`${LOCAL_STATE}.backup`, { force: true });
  }
  for (const model of missing) {
    if (model.kind === "offered") await acceptAgreement(model.id, model.region, model.offerToken);
    else console.warn(`Warning: ${model.problem}.`);
  }
  console.log(
    "\nDone. Next, type: npm run deploy. After the first deploy, bootstrap again: that binds the apply role to the API that is there, and takes from it the right to open the bucket",
  );
});
