import { App } from "cdktf";
import { lifecycleWarnings, loadNeighbours, loadSettings, SettingsError } from "./config/load.ts";
import { BootstrapStack } from "./constructs/bootstrap-stack.ts";
import { PipelineStack } from "./constructs/pipeline-stack.ts";

try {
  const settings = await loadSettings(process.env.ENVIRONMENT ?? "dev");
  for (const warning of lifecycleWarnings(settings, new Date())) console.warn(`Warning: ${warning}`);
  const app = new App();
  new BootstrapStack(app, "bootstrap", [settings, ...(await loadNeighbours(settings))]);
  new PipelineStack(app, "pipeline", settings);
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
