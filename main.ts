import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadNeighbours, loadSettings, modelWarnings, SettingsError } from "./config/load.ts";
import { useEngine } from "./config/platform.ts";

try {
  useEngine();
  const { App } = await import("cdktf");
  const { BootstrapStack } = await import("./constructs/bootstrap-stack.ts");
  const { PipelineStack } = await import("./constructs/pipeline-stack.ts");
  const settings = await loadSettings(process.env.ENVIRONMENT ?? "dev");
  for (const warning of modelWarnings(settings, new Date())) console.warn(`Warning: ${warning}`);
  const app = new App();
  // `cdktf synth --hcl` writes `cdk.tf` beside the `cdk.tf.json` of before, or the other way round; Terraform reads both.
  for (const file of globSync("stacks/*/cdk.tf*", { cwd: app.outdir })) rmSync(join(app.outdir, file));
  new BootstrapStack(app, "bootstrap", [settings, ...(await loadNeighbours(settings))]);
  new PipelineStack(app, "pipeline", settings);
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
