import { z } from "zod";
import { cdktf, type ToolOptions, terraform } from "./tool.ts";

const attributes = z.record(z.string(), z.unknown()).nullable();

const changeSchema = z.object({
  address: z.string(),
  previous_address: z.string().optional(),
  mode: z.enum(["managed", "data"]),
  type: z.string(),
  action_reason: z.string().optional(),
  change: z.object({
    actions: z.array(z.enum(["no-op", "create", "read", "update", "delete", "forget"])),
    before: attributes,
    after: attributes,
    after_unknown: z.record(z.string(), z.unknown()).optional(),
    /** Attributes that cannot be changed in place. */
    replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).default([]),
  }),
});

const resourceSchema = z.object({ type: z.string(), values: z.record(z.string(), z.unknown()) });

const valuesSchema = z.object({
  root_module: z.object({ resources: z.array(resourceSchema).default([]) }).default({ resources: [] }),
});

/** https://developer.hashicorp.com/terraform/internals/json-format#plan-representation */
export const planSchema = z.object({
  resource_changes: z.array(changeSchema).default([]),
  resource_drift: z.array(changeSchema).default([]),
  prior_state: z.object({ values: valuesSchema.optional() }).optional(),
});

/** A resource in the state. */
export type Resource = z.output<typeof resourceSchema>;
export type Change = z.output<typeof changeSchema>;
export type Plan = z.output<typeof planSchema>;

/**
 * Plans the pipeline and reads the plan, which cdktf saves as `cdktf.out/stacks/pipeline/plan`. It takes no lock: the
 * plan role may not write one, and Terraform does not apply a plan if the state has changed since.
 */
export async function planPipeline(): Promise<Plan> {
  await cdktf(["plan", "pipeline"], { env: { TF_CLI_ARGS_plan: "-lock=false" } });
  return planSchema.parse(
    JSON.parse(await terraform("pipeline", ["show", "-json", "plan"], { quiet: true })),
  );
}

const stateSchema = z.object({ values: valuesSchema.optional() });

/** Reads the resources in the state. */
export async function readState(options?: ToolOptions): Promise<Resource[]> {
  const state = stateSchema.parse(
    JSON.parse(await terraform("pipeline", ["show", "-json"], { ...options, quiet: true })),
  );
  return state.values?.root_module.resources ?? [];
}

/** A line for each other environment that the state belongs to: no command may change it. */
export function foreignEnvironments(resources: readonly Resource[], suffix: string): string[] {
  const owners = new Set(
    resources.flatMap(({ values: { tags_all: tags } }) =>
      typeof tags === "object" && tags !== null && "Environment" in tags ? [String(tags.Environment)] : [],
    ),
  );
  owners.delete(suffix);
  return [...owners].map(
    (owner) =>
      `the settings are for ${suffix}, but their state belongs to ${owner}. Give each environment its own state.key in config/environments, or type: ENVIRONMENT=${owner} npm run plan`,
  );
}

/** The attributes that a change changes, with those that only AWS knows. */
export function changedAttributes({ change }: Change): string[] {
  const { before, after, after_unknown: unknown } = change;
  const names = new Set([
    ...Object.keys(before ?? {}),
    ...Object.keys(after ?? {}),
    ...Object.keys(unknown ?? {}),
  ]);
  return [...names]
    .filter(
      (name) => unknown?.[name] === true || JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
    )
    .sort((one, other) => one.localeCompare(other));
}
