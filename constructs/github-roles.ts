import type { IamOpenidConnectProvider } from "@cdktf/provider-aws/lib/iam-openid-connect-provider/index.js";
import { IamPolicy } from "@cdktf/provider-aws/lib/iam-policy/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js";
import { Construct } from "constructs";
import type { GithubSettings, Settings } from "../config/settings.ts";
import {
  applyPermissions,
  eventPermissions,
  eventPlanPermissions,
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
    this.applyRole = this.#createRole("apply", props, {
      StringEquals: { [SUBJECT]: `${repository}:environment:${settings.suffix}` },
    });
    this.#allow("plan", planPermissions(settings, accountId), [this.planRole, this.applyRole]);
    this.#allow("resource", resourcePermissions(settings, accountId), [this.applyRole]);
    this.#allow("event-plan", eventPlanPermissions(settings, accountId), [this.planRole, this.applyRole]);
    this.#allow("event", eventPermissions(settings, accountId), [this.applyRole]);
    this.#allow("apply", applyPermissions(settings, accountId), [this.applyRole]);
  }

  #createRole(
    purpose: "plan" | "apply",
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
  #allow(purpose: string, permissions: readonly PolicyStatement[], roles: readonly IamRole[]): void {
    const policy = new IamPolicy(this, `${purpose}-permissions`, {
      name: `couch-explorers-${purpose}-${this.node.id}`,
      policy: policyJson(permissions),
    });
    for (const role of roles) {
      new IamRolePolicyAttachment(this, `${purpose}-of-${role.node.id}`, {
        role: role.name,
        policyArn: policy.arn,
      });
    }
  }
}

/** The repository in the subject of a token: with both ids, or with none. */
function subjectOf({ repository, ownerId, repositoryId }: GithubSettings): string {
  if (ownerId === undefined || repositoryId === undefined) return `repo:${repository}`;
  return `repo:${repository.replace("/", `@${ownerId}/`)}@${repositoryId}`;
}
