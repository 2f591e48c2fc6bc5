import { DataAwsApigatewayv2Apis } from "@cdktf/provider-aws/lib/data-aws-apigatewayv2-apis/index.js";
import type { IamOpenidConnectProvider } from "@cdktf/provider-aws/lib/iam-openid-connect-provider/index.js";
import { IamPolicy } from "@cdktf/provider-aws/lib/iam-policy/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { apiName } from "../config/names.ts";
import type { GithubSettings, Settings } from "../config/settings.ts";
import {
  applyPermissions,
  eventPermissions,
  eventPlanPermissions,
  firstDeployPermissions,
  planPermissions,
  resourcePermissions,
} from "./deploy-permissions.ts";
import { jsonOf } from "./json.ts";
import { type PolicyStatement, policyJson } from "./policy.ts";

export interface GithubRolesProps {
  readonly settings: Settings;
  /** The issuer of the workflows' tokens. */
  readonly provider: IamOpenidConnectProvider;
  readonly accountId: string;
  /** Of the environment's region. */
  readonly regional: AwsProvider;
}

const ISSUER = "token.actions.githubusercontent.com";
const SUBJECT = `${ISSUER}:sub`;

/** The roles of the workflows for one environment: one to plan, one to apply. */
export class GithubRoles extends Construct {
  readonly planRole: IamRole;
  readonly applyRole: IamRole;

  constructor(scope: Construct, id: string, props: GithubRolesProps) {
    super(scope, id);
    const { settings, accountId } = props;
    const repository = subjectOf(settings.github);
    this.planRole = this.#createRole("plan", props, {
      StringLike: { [SUBJECT]: [`${repository}:pull_request`, `${repository}:ref:refs/heads/*`] },
    });
    // A job with an environment has this subject on any branch: GitHub's rules for the environment limit the branches.
    // https://docs.github.com/en/actions/reference/security/oidc#filtering-for-a-specific-environment
    const subject = { [SUBJECT]: `${repository}:environment:${settings.suffix}` };
    const fromMain = { StringEquals: { ...subject, [`${ISSUER}:ref`]: "refs/heads/main" } };
    const { ref } = settings.github;
    this.applyRole = this.#createRole(
      "apply",
      props,
      ref === "require" ? fromMain : { StringEquals: subject },
    );
    // A condition on a claim that AWS does not read would lock every workflow out: this role, which may do nothing, tells.
    if (ref !== undefined) this.#createRole("probe", props, fromMain);
    const apis = this.#findApis(props);
    this.#allow("plan", planPermissions(settings, accountId), [this.planRole, this.applyRole]);
    this.#allow("resource", resourcePermissions(settings, accountId), [this.applyRole]);
    this.#allow("event-plan", eventPlanPermissions(settings, accountId), [this.planRole, this.applyRole]);
    this.#allow("event", eventPermissions(settings, accountId), [this.applyRole]);
    this.#allow("apply", applyPermissions(settings, accountId, apis.id), [this.applyRole]);
    const [firstDeploy] = this.#allow("first-deploy", firstDeployPermissions(settings, accountId), [
      this.applyRole,
    ]);
    firstDeploy?.addOverride("count", `\${length(${apis.ids}) == 0 ? 1 : 0}`);
  }

  /** The environment's API, once it is deployed. Two APIs of its name stop the bootstrap: one is a stranger's. */
  #findApis({ settings: { suffix }, regional }: GithubRolesProps): {
    readonly ids: string;
    readonly id: string;
  } {
    const { fqn } = new DataAwsApigatewayv2Apis(this, "apis", { provider: regional, name: apiName(suffix) });
    const ids = `${fqn}.ids`;
    return { ids, id: new TerraformLocal(this, "api", `\${coalesce(one(${ids}), "none")}`).asString };
  }

  #createRole(
    purpose: "plan" | "apply" | "probe",
    { settings, provider }: GithubRolesProps,
    trusted: { readonly StringEquals?: object; readonly StringLike?: object },
  ): IamRole {
    return new IamRole(this, purpose, {
      name: `couch-explorers-${purpose}-${settings.suffix}`,
      assumeRolePolicy: jsonOf({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Federated: provider.arn },
            Action: "sts:AssumeRoleWithWebIdentity",
            Condition: {
              ...trusted,
              StringEquals: { [`${ISSUER}:aud`]: "sts.amazonaws.com", ...trusted.StringEquals },
            },
          },
        ],
      }),
    });
  }

  /**
   * Creates a managed policy of up to 6,144 characters: all inline policies of a role share 10,240.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
   */
  #allow(
    purpose: string,
    permissions: readonly PolicyStatement[],
    roles: readonly IamRole[],
  ): IamRolePolicyAttachment[] {
    const policy = new IamPolicy(this, `${purpose}-permissions`, {
      name: `couch-explorers-${purpose}-${this.node.id}`,
      policy: policyJson(permissions),
    });
    return roles.map(
      (role) =>
        new IamRolePolicyAttachment(this, `${purpose}-of-${role.node.id}`, {
          role: role.name,
          policyArn: policy.arn,
        }),
    );
  }
}

/** The repository in the subject of a token: with both ids, or with none. */
function subjectOf({ repository, ownerId, repositoryId }: GithubSettings): string {
  if (ownerId === undefined || repositoryId === undefined) return `repo:${repository}`;
  return `repo:${repository.replace("/", `@${ownerId}/`)}@${repositoryId}`;
}
