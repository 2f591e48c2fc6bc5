import { execFileSync } from "node:child_process";
import type { TestProject } from "vitest/node";
import { findTerraformConfig } from "./terraform-config.ts";

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
  const terraformConfig = findTerraformConfig();
  const missing = [
    ...(works(process.env.TERRAFORM_BINARY_NAME ?? "terraform", ["version"])
      ? []
      : ["Terraform 1.11 or newer"]),
    ...(terraformConfig !== "" || (await registryAnswers())
      ? []
      : ["the AWS provider: registry.terraform.io, or a mirror that TF_CLI_CONFIG_FILE names"]),
    ...(works("python3", ["-c", "import moto.server"]) ? [] : ['moto: pip install "moto[server]==5.2.1"']),
  ].join("; ");
  if (missing !== "" && process.env.CI === "true") {
    console.error(`Failed: npm run test:deploy needs ${missing}`);
    process.exit(1);
  }
  if (missing !== "") console.warn(`Skipped: npm run test:deploy needs ${missing}`);
  project.provide("missing", missing);
  project.provide("terraformConfig", terraformConfig);
}

async function registryAnswers(): Promise<boolean> {
  const answer = await fetch("https://registry.terraform.io/.well-known/terraform.json", {
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined);
  return answer?.ok === true;
}

function works(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
