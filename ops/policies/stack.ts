import { readFileSync } from "node:fs";
import { z } from "zod";
import type { StackResources } from "./rule.ts";

const blocks = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));
const block = z.record(z.string(), z.unknown());
const stackSchema = z.object({
  resource: blocks,
  provider: z.record(z.string(), z.array(z.looseObject({ alias: z.string().optional() }))),
  terraform: block,
});

/**
 * Reads the resources in a stack's `cdk.tf.json`. Its providers become resources of the type `provider`, its Terraform
 * settings the one resource of the type `terraform`.
 */
export function readStack(file: string): StackResources {
  const { resource, provider, terraform } = stackSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const providers = Object.entries(provider).flatMap(([name, configurations]) =>
    configurations.map((attributes) => [attributes.alias ?? name, attributes] as const),
  );
  const all: typeof resource = {
    ...resource,
    provider: Object.fromEntries(providers),
    terraform: { settings: terraform },
  };
  return { resources: (type) => all[type] ?? {} };
}
