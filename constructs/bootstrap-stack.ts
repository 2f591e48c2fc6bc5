import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity/index.js";
import { IamOpenidConnectProvider } from "@cdktf/provider-aws/lib/iam-openid-connect-provider/index.js";
import { IamPolicy } from "@cdktf/provider-aws/lib/iam-policy/index.js";
import { TerraformOutput, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { boundaryName } from "../config/names.ts";
import { BOOTSTRAP_KEY, type Settings } from "../config/settings.ts";
import { connectToAws, keepState } from "./account.ts";
import { boundaryPermissions } from "./function-boundary.ts";
import { GithubRoles } from "./github-roles.ts";
import { NotificationKey } from "./monitoring/notification-key.ts";
import { policyJson } from "./policy.ts";
import { PrivateBucket } from "./private-bucket.ts";

/**
 * The resources that an account needs once: a state bucket, and for each environment the roles of the workflows, the
 * permissions boundary, and the key of its notifications.
 */
export class BootstrapStack extends TerraformStack {
  /** @param environments those with their state in the same bucket */
  constructor(scope: Construct, id: string, environments: readonly [Settings, ...Settings[]]) {
    super(scope, id);
    const [{ accountId, state }] = environments;
    const connect = (region: string, alias?: string) =>
      connectToAws(this, { region, ...(accountId !== undefined && { accountId }) }, "all", alias);
    const providers = new Map([[state.region, connect(state.region)]]);
    keepState(this, { ...state, key: BOOTSTRAP_KEY });
    new PrivateBucket(this, "state", { name: state.bucket, forceDestroy: false, preventDestroy: true });
    // AWS trusts GitHub's certificate without a list of thumbprints.
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
    const provider = new IamOpenidConnectProvider(this, "github", {
      url: "https://token.actions.githubusercontent.com",
      clientIdList: ["sts.amazonaws.com"],
    });
    const account = new DataAwsCallerIdentity(this, "account").accountId;
    for (const settings of environments) {
      const { suffix, region } = settings;
      const regional = providers.get(region) ?? connect(region, region);
      providers.set(region, regional);
      new NotificationKey(this, `key-${suffix}`, { suffix, region, accountId: account, provider: regional });
      new IamPolicy(this, `boundary-${suffix}`, {
        name: boundaryName(suffix),
        description: "The most that the functions of the environment may ever do",
        policy: policyJson(boundaryPermissions(settings, account)),
      });
      const roles = new GithubRoles(this, suffix, { settings, provider, regional, accountId: account });
      this.#createOutput(`plan_role_${suffix}`, roles.planRole.arn);
      this.#createOutput(`apply_role_${suffix}`, roles.applyRole.arn);
    }
  }

  #createOutput(name: string, value: string): void {
    new TerraformOutput(this, name, { value, staticId: true });
  }
}
