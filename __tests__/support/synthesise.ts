import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { z } from "zod";
import { checkSettings } from "../../config/check.ts";
import { settings as dev } from "../../config/environments/dev.ts";
import type { Settings, SettingsInput } from "../../config/settings.ts";
import { BootstrapStack } from "../../constructs/bootstrap-stack.ts";
import { PipelineStack } from "../../constructs/pipeline-stack.ts";
import type { StackResources } from "../../ops/policies/rule.ts";
import { readStack } from "../../ops/policies/stack.ts";
import { makeOnce } from "./make-once.ts";

const dataSchema = z.object({ data: z.record(z.string(), z.unknown()).default({}) });

export interface SynthesisedStack extends StackResources {
  /** Where the stack's `cdk.tf.json` is. */
  readonly folder: string;
  readonly text: string;
  /** The only resource of a type. */
  resource(type: string): Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The settings of `dev`, but for what tests count on: an environment may have other models and limits. */
export const sampleSettings: SettingsInput = {
  ...dev,
  models: [
    { id: "stability.stable-image-core-v1:1", concurrency: 8 },
    { id: "stability.sd3-5-large-v1:0", concurrency: 4 },
  ],
  consumer: { memoryMb: 256, timeoutSeconds: 120, modelTimeoutSeconds: 50, receiveLimit: 10 },
  api: { authorisation: { kind: "iam" }, throttling: { burst: 2000, ratePerSecond: 500 } },
  monthlyBudgetUsd: 2_000,
};

/** {@link sampleSettings} with some of them changed. */
export function settingsWith(change: Partial<SettingsInput> = {}): Settings {
  const result = checkSettings({ ...sampleSettings, ...change });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.settings;
}

/** Synthesises what an account needs once, for some environments. */
export function synthesiseBootstrap(environments: readonly [Settings, ...Settings[]]): StackResources {
  const folder = synthesiseOnce(
    environments,
    "bootstrap",
    (app, id) => new BootstrapStack(app, id, environments),
  );
  return readStack(join(folder, "cdk.tf.json"));
}

/** Gives the folder of a stack, which is synthesised once in a run of the tests for the same settings. */
function synthesiseOnce(settings: unknown, id: string, create: (app: App, id: string) => void): string {
  const digest = createHash("sha256").update(JSON.stringify(settings)).digest("hex");
  const folder = makeOnce(`${id}-${digest}`, (outdir) => {
    const app = new App({ outdir });
    create(app, id);
    app.synth();
  });
  return join(folder, "stacks", id);
}

/** A copy of a synthesised stack that a test may change. */
export function copyStack(settings: Settings): string {
  const folder = mkdtempSync(join(tmpdir(), "couch-stack-"));
  cpSync(synthesise(settings).folder, folder, { recursive: true });
  return folder;
}

/** Synthesises the pipeline. All tests of a run share the folder. A test that changes the stack uses {@link copyStack}. */
export function synthesise(settings: Settings): SynthesisedStack {
  const folder = synthesiseOnce(settings, "pipeline", (app, id) => new PipelineStack(app, id, settings));
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
