import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { z } from "zod";
import { settings as dev } from "../../config/environments/dev.ts";
import { checkSettings, type Settings, type SettingsInput } from "../../config/settings.ts";
import { PipelineStack } from "../../constructs/pipeline-stack.ts";

const blocks = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));
const stackSchema = z.looseObject({ resource: blocks, data: blocks.optional() });

export interface SynthesisedStack {
  /** Where the stack's `cdk.tf.json` is. */
  readonly folder: string;
  readonly text: string;
  /** All resources of a type, by their names in Terraform. */
  resources(type: string): Record<string, Record<string, unknown>>;
  /** The only resource of a type. */
  resource(type: string): Record<string, unknown>;
  readonly data: Record<string, unknown>;
}

/** The settings of `dev` with some of them changed. */
export function settingsWith(change: Partial<SettingsInput> = {}): Settings {
  const result = checkSettings({ ...dev, ...change });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.settings;
}

/** Synthesises the pipeline in a new folder, which is left for the operating system to clean up. */
export function synthesise(settings: Settings): SynthesisedStack {
  const outdir = mkdtempSync(join(tmpdir(), "couch-synth-"));
  const app = new App({ outdir });
  new PipelineStack(app, "pipeline", settings);
  app.synth();
  const folder = join(outdir, "stacks", "pipeline");
  const text = readFileSync(join(folder, "cdk.tf.json"), "utf8");
  const stack = stackSchema.parse(JSON.parse(text));
  const resources = (type: string) => stack.resource[type] ?? {};
  return {
    folder,
    text,
    resources,
    resource(type) {
      const [first, ...others] = Object.values(resources(type));
      if (first === undefined || others.length > 0) throw new Error(`there is not exactly one ${type}`);
      return first;
    },
    data: stack.data ?? {},
  };
}
