import { runUnsafeSimulation } from "@cloud-copilot/iam-simulate";
import type { PolicyStatement } from "../../constructs/policy.ts";

export const ACCOUNT = "123456789012";
/** The ids of the APIs of dev and of somebody else. */
export const [API, FOREIGN_API] = ["a1b2c3", "z9y8x7"];

/** A resource of the account. */
export interface AccountResource {
  readonly arn: string;
  /** `dev`, or whose it is. */
  readonly owner: string;
  /** What a request on it says of it. */
  readonly context?: Readonly<Record<string, string>>;
}

const OWNERS = ["dev", "prod", "dev-prod", "somebody"];

function perOwner(arnsOf: (owner: string) => readonly (string | AccountResource)[]): AccountResource[] {
  return OWNERS.flatMap((owner) =>
    arnsOf(owner).map((one) => (typeof one === "string" ? { arn: one, owner } : one)),
  );
}

function regional(service: string, name: string): string {
  return `arn:aws:${service}:eu-west-1:${ACCOUNT}:${name}`;
}

function iam(name: string): string {
  return `arn:aws:iam::${ACCOUNT}:${name}`;
}

/** An account with four environments whose names begin alike, the bootstrap, and what others have in it. */
export const account: readonly AccountResource[] = [
  ...perOwner((owner) => [
    ...[`image-processor-${owner}`, `image-api-${owner}`, `spend-breaker-${owner}`].flatMap((name) => [
      iam(`role/${name}`),
      regional("lambda", `function:${name}`),
      regional("logs", `log-group:/aws/lambda/${name}`),
    ]),
    {
      arn: regional("lambda", `event-source-mapping:${owner}`),
      owner,
      context: { "lambda:FunctionArn": regional("lambda", `function:image-processor-${owner}`) },
    },
    regional("sqs", `image-generation-queue-${owner}`),
    regional("sqs", `image-generation-queue-${owner}-dlq`),
    regional("sns", `image-alarms-page-${owner}`),
    regional("sns", `image-alarms-page-${owner}:1`),
    regional("cloudwatch", `alarm:image-generation-${owner}-no-images`),
    `arn:aws:cloudwatch::${ACCOUNT}:dashboard/image-generation-${owner}`,
    regional("logs", `log-group:/aws/vendedlogs/apigateway/image-generation-api-${owner}`),
    `arn:aws:s3:::couch-explorers-images-${owner}`,
    `arn:aws:s3:::couch-explorers-images-${owner}/images/1.png`,
    `arn:aws:s3:::couch-explorers-images-${owner}/requests/canary-1.json`,
    `arn:aws:s3:::couch-explorers-state/${owner}/pipeline.tfstate`,
    `arn:aws:s3:::couch-explorers-state/${owner}/pipeline.tfstate.tflock`,
    ...["", "/routes/1", "/authorizers/1", "/integrations/1", "/stages/$default", "/cors"].map(
      (part) =>
        `arn:aws:apigateway:eu-west-1::/apis/${owner === "dev" ? API : `${FOREIGN_API}${owner}`}${part}`,
    ),
    `arn:aws:apigateway:eu-west-1::/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapis%2F${owner === "dev" ? API : `${FOREIGN_API}${owner}`}`,
  ]),
  ...OWNERS.flatMap((suffix) =>
    [
      iam(`role/couch-explorers-apply-${suffix}`),
      iam(`role/couch-explorers-plan-${suffix}`),
      iam(`policy/couch-explorers-apply-${suffix}`),
      iam(`policy/couch-explorers-boundary-${suffix}`),
      regional("kms", `key/${suffix}`),
      regional("kms", `alias/couch-explorers-${suffix}`),
    ].map((arn) => ({ arn, owner: "bootstrap" })),
  ),
  ...[
    "arn:aws:s3:::couch-explorers-state",
    "arn:aws:s3:::couch-explorers-state/bootstrap.tfstate",
    iam("oidc-provider/token.actions.githubusercontent.com"),
  ].map((arn) => ({ arn, owner: "bootstrap" })),
  ...[
    ...["role/administrator", "user/administrator", "group/administrators", "policy/ours"].map(iam),
    ...["instance-profile/ours", "saml-provider/ours", "mfa/administrator"].map(iam),
    iam("role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway"),
    "arn:aws:iam::aws:policy/AdministratorAccess",
    regional("kms", "key/untagged"),
    "arn:aws:apigateway:eu-west-1::/apis",
    "arn:aws:apigateway:eu-west-1::/restapis/1",
  ].map((arn) => ({ arn, owner: "somebody" })),
];

/** Without it in a key's policy, IAM has no say: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
const leavesItToIam = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: iam("root") }, Action: "kms:*", Resource: "*" }],
};

/** What a request may say at will: nothing, or all that a condition may ask for. */
const requests: readonly Readonly<Record<string, string>>[] = [
  {},
  {
    "iam:PassedToService": "lambda.amazonaws.com",
    "iam:PermissionsBoundary": iam("policy/couch-explorers-boundary-dev"),
    "apigateway:Request/ApiName": "image-generation-api-dev",
    "apigateway:Resource/ApiName": "image-generation-api-dev",
    "aws:RequestTag/Project": "couch-explorers",
    "aws:RequestTag/Environment": "dev",
  },
];

/**
 * Asks an evaluator of IAM policies that is not ours on which resources of the account an action is allowed, of those of
 * its service and of a resource that nobody has thought of.
 */
export async function findAllowed(
  action: string,
  statements: readonly PolicyStatement[],
): Promise<AccountResource[]> {
  const [service = ""] = action.split(":");
  const Statement = statements.filter(({ Action }) => [Action].flat().includes(action));
  if (Statement.length === 0) return [];
  const anything: AccountResource = { arn: regional(service, "anything"), owner: "somebody" };
  const resources = [...account.filter(({ arn }) => arn.split(":")[2] === service), anything];
  const verdicts = await Promise.all(
    resources.map(({ arn, context }) =>
      Promise.all(
        requests.map((request) =>
          runUnsafeSimulation(
            {
              request: {
                principal: iam("role/caller"),
                action,
                resource: { resource: arn, accountId: ACCOUNT },
                contextVariables: { ...request, ...context },
              },
              ...(service === "kms" && { resourcePolicy: leavesItToIam }),
              identityPolicies: [{ name: "role", policy: { Version: "2012-10-17", Statement } }],
              serviceControlPolicies: [],
              resourceControlPolicies: [],
            },
            {},
          ),
        ),
      ),
    ),
  );
  return resources.filter((_, index) => verdicts[index]?.includes("Allowed"));
}
