import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { z } from "zod";
import { settings as dev } from "../../config/environments/dev.ts";
import { checkSettings, type Settings, type SettingsInput } from "../../config/settings.ts";
import { BootstrapStack } from "../../constructs/bootstrap-stack.ts";
import { PipelineStack } from "../../constructs/pipeline-stack.ts";
import type { StackResources } from "../../ops/policies/rule.ts";
import { readStack } from "../../ops/policies/stack.ts";

const dataSchema = z.object({ data: z.record(z.string(), z.unknown()).default({}) });

export interface SynthesisedStack extends StackResources {
  /** Where the stack's `cdk.tf.json` is. */
  readonly folder: string;
  readonly text: string;
  /** The only resource of a type. */
  resource(type: string): Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The settings of `dev` with some of them changed. */
export function settingsWith(change: Partial<SettingsInput> = {}): Settings {
  const result = checkSettings({ ...dev, ...change });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.settings;
}

/** Synthesises what an account needs once, for some environments. */
export function synthesiseBootstrap(environments: readonly [Settings, ...Settings[]]): StackResources {
  const folder = synthesiseStack("bootstrap", (app, id) => new BootstrapStack(app, id, environments));
  return readStack(join(folder, "cdk.tf.json"));
}

function synthesiseStack(id: string, create: (app: App, id: string) => void): string {
  const outdir = mkdtempSync(join(tmpdir(), "couch-synth-"));
  const app = new App({ outdir });
  create(app, id);
  app.synth();
  return join(outdir, "stacks", id);
}

/** Synthesises the pipeline in a new folder, which is left for the operating system to clean up. */
export function synthesise(settings: Settings): SynthesisedStack {
  const folder = synthesiseStack("pipeline", (app, id) => new PipelineStack(app, id, settings));
  const file = join(folder, "cdk.tf.json");
  const text = readFileSync(file, "utf8");
  const { resources } = readStack(file);
  return {
    folder,
    text,
    resources,
    resource(type) {
      const [first, ...others] = Object.values(resources(type));
      if (first === undefined || others.length > 0) throw new Error(`there is not exactly one ${type}`);
      return first;
    },
    data: dataSchema.parse(JSON.parse(text)).data,
  };
}
