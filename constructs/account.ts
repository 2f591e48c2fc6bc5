import { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { S3Backend, type S3BackendConfig, type TerraformStack } from "cdktf";
import { readPlatform } from "../config/platform.ts";
import type { Settings } from "../config/settings.ts";

/**
 * Configures the AWS provider: region, account, and tags with the environment on each resource.
 * @param alias of a provider for another region than the stack's
 */
export function connectToAws(
  stack: TerraformStack,
  { region, accountId }: Pick<Settings, "region" | "accountId">,
  environment: string,
  alias?: string,
): AwsProvider {
  stack.addOverride("terraform.required_providers.aws.version", readPlatform().provider);
  return new AwsProvider(stack, alias === undefined ? "aws" : `aws-${alias}`, {
    region,
    ...(alias !== undefined && { alias }),
    ...(accountId !== undefined && { allowedAccountIds: [accountId] }),
    defaultTags: [{ tags: { Project: "couch-explorers", Environment: environment } }],
  });
}

/** Keeps the stack's state in S3, with a lock. */
export function keepState(stack: TerraformStack, state: Settings["state"]): void {
  // cdktf's types lack `use_lockfile`; cdktf passes unknown properties on to Terraform.
  const config: S3BackendConfig & { readonly use_lockfile: boolean } = {
    ...state,
    encrypt: true,
    use_lockfile: true,
  };
  new S3Backend(stack, config);
}
