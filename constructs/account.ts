import { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { S3Backend, type S3BackendConfig, type TerraformStack } from "cdktf";
import type { Settings } from "../config/settings.ts";

/** Has the stack made in the settings' region and account, each resource tagged with its environment. */
export function connectToAws(
  stack: TerraformStack,
  { region, accountId }: Pick<Settings, "region" | "accountId">,
  environment: string,
): void {
  new AwsProvider(stack, "aws", {
    region,
    ...(accountId !== undefined && { allowedAccountIds: [accountId] }),
    defaultTags: [{ tags: { Project: "couch-explorers", Environment: environment } }],
  });
}

/** Keeps the stack's state in S3, where one apply at a time can lock it. */
export function keepState(stack: TerraformStack, state: Settings["state"]): void {
  // `use_lockfile` is not among cdktf's types; what it does not know it passes on to Terraform as it is.
  const config: S3BackendConfig & { readonly use_lockfile: boolean } = {
    ...state,
    encrypt: true,
    use_lockfile: true,
  };
  new S3Backend(stack, config);
}
