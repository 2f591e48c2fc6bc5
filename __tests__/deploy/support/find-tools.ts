import type { TestProject } from "vitest/node";
import { findTools } from "./tools.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** What the tests need and this machine has not; empty when all is there. */
    readonly missing: string;
    /** Terraform's CLI configuration that names a provider mirror; empty to ask the registry. */
    readonly terraformConfig: string;
  }
}

/** Looks for Terraform, the emulator and the provider, once for all tests. On CI all must be there. */
export default async function setup(project: TestProject): Promise<void> {
  const { missing, terraformConfig } = await findTools();
  if (missing !== "" && process.env.CI === "true") {
    console.error(`Failed: npm run test:deploy needs ${missing}`);
    process.exit(1);
  }
  if (missing !== "") console.warn(`Skipped: npm run test:deploy needs ${missing}`);
  project.provide("missing", missing);
  project.provide("terraformConfig", terraformConfig);
}
