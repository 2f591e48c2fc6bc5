import { readFileSync } from "node:fs";
import { z } from "zod";
import type { StackResources } from "./rule.ts";

const blocks = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));
const stackSchema = z.object({ resource: blocks });

/** Reads the resources out of a stack's `cdk.tf.json`. */
export function readStack(file: string): StackResources {
  const { resource } = stackSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  return { resources: (type) => resource[type] ?? {} };
}
