import { existsSync, rmSync, writeFileSync } from "node:fs";
import { loadNeighbours, loadSettings } from "../config/load.ts";
import { acceptAgreement, findMissingAgreements } from "./agreements.ts";
import { checkTools, stateBucketExists } from "./preflight.ts";
import { checkRepository } from "./repository.ts";
import { cdktf, command, confirm, environment, terraform } from "./tool.ts";

/** The state until it is in its bucket, in the project's root: `cdktf.out` may be deleted at any time. */
const LOCAL_STATE = "terraform.tfstate.bootstrap";
/** Terraform reads it on top of the stack. https://developer.hashicorp.com/terraform/language/files/override */
const OVERRIDE = "cdktf.out/stacks/bootstrap/backend_override.tf.json";

await command(async () => {
  const settings = await loadSettings(environment);
  const { bucket } = settings.state;
  const account = await checkTools(settings);
  const environments = [settings, ...(await loadNeighbours(settings))];
  for (const { github } of new Map(environments.map((one) => [JSON.stringify(one.github), one])).values()) {
    const unchecked = await checkRepository(github);
    if (unchecked !== undefined) console.warn(`Warning: ${unchecked}`);
  }
  const missing = await findMissingAgreements(environments);
  const begun = existsSync(LOCAL_STATE);
  const isFirst = begun || !(await stateBucketExists(settings, account));
  console.log(
    [
      `In account ${account}, this makes or brings up to date:`,
      `  the bucket ${bucket} for Terraform's state: versioned, encrypted, TLS only, protected from destruction`,
      `  GitHub's OIDC provider, and for each environment a plan role and an apply role for ${settings.github.repository}`,
      "  for each environment a boundary: the most that its functions may ever do",
      ...missing.flatMap((model) =>
        model.kind === "offered"
          ? [
              `  the agreement for ${model.id} in ${model.region}. By going on you accept its terms: ${model.terms}`,
            ]
          : [],
      ),
      ...(isFirst
        ? [`The state is kept in ${LOCAL_STATE} first, then moved to s3://${bucket}/bootstrap.tfstate.`]
        : []),
    ].join("\n"),
  );
  await confirm(`Go on in account ${account}?`, account);
  await cdktf(["synth"]);
  const interrupted = "Interrupted. What is done is written down. To go on, type: npm run bootstrap";
  if (isFirst) {
    writeFileSync(
      OVERRIDE,
      JSON.stringify({ terraform: { backend: { local: { path: `../../../${LOCAL_STATE}` } } } }),
    );
    await terraform("bootstrap", ["init", "-input=false", "-reconfigure"]);
    await terraform("bootstrap", ["apply", "-input=false", "-auto-approve"], { interrupted });
    rmSync(OVERRIDE);
    await terraform("bootstrap", ["init", "-input=false", "-migrate-state", "-force-copy"], { interrupted });
    rmSync(LOCAL_STATE);
    rmSync(`${LOCAL_STATE}.backup`, { force: true });
  } else {
    await terraform("bootstrap", ["init", "-input=false", "-reconfigure"]);
    await terraform("bootstrap", ["apply", "-input=false", "-auto-approve"], { interrupted });
  }
  for (const model of missing) {
    if (model.kind === "offered") await acceptAgreement(model.id, model.region, model.offerToken);
    else console.warn(`Warning: ${model.problem}.`);
  }
  console.log(`\nDone. Next, type: npm run deploy`);
});
