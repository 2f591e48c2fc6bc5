import { derive } from "../config/derived.ts";
import { apiName, consumerName, queueName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { functionNames, type ServicePermissions, services, tagged } from "./deployable-services.ts";
import { boundaryArn } from "./function-boundary.ts";
import { allowKey } from "./image-bucket.ts";
import type { PolicyStatement } from "./policy.ts";

/** Its permissions do not fit the table of services: what it calls has a name, itself it has none. */
const eventSources = "aws_lambda_event_source_mapping";

/** The types of resources that the roles may read and make. */
export const deployableTypes: readonly string[] = [...services.flatMap(({ types }) => types), eventSources];

/** What a plan needs: to read each resource of the environment and its state, and what AWS says of its models. Nothing that is kept in them. */
export function planPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return [
    ...onServices(settings, accountId, ({ read }) => read),
    ...readPermissions(settings),
    allow(["s3:GetObject"], [stateObject(settings)]),
    // The nightly check.
    allow(
      ["bedrock:GetFoundationModel"],
      derive(settings).modelChain.map(
        ({ id, region }) => `arn:aws:bedrock:${region}::foundation-model/${id}`,
      ),
    ),
  ];
}

/** What an apply needs besides, to make, change and destroy what has a name of the environment. */
export function resourcePermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return onServices(settings, accountId, ({ types, write }) =>
    // A bucket that was there before stays as it is.
    settings.imageBucket.kind === "existing" && types.includes("aws_s3_bucket") ? [] : write,
  );
}

/** All else that an apply needs: what AWS names, roles, the lock, the state, and the canary. */
export function applyPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const { region, suffix, imageBucket } = settings;
  const keyPrefix = imageBucket.kind === "existing" ? imageBucket.keyPrefix : "";
  return [
    ...eventSourcePermissions(settings, accountId),
    ...apiPermissions(settings, accountId),
    ...keyPermissions(settings, accountId),
    ...emptyingPermissions(settings),
    ...rolePermissions(settings, accountId),
    allow(["s3:PutObject"], [stateObject(settings)]),
    // The lock is an object beside the state: https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
    allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [`${stateObject(settings)}.tflock`]),
    // The canary: one prompt in, its record out.
    allow(["sqs:SendMessage"], [`arn:aws:sqs:${region}:${accountId}:${queueName(suffix)}`]),
    allow(["s3:GetObject"], [`arn:aws:s3:::${imageBucket.name}/${keyPrefix}requests/canary-*`]),
    ...(imageBucket.kind === "existing" ? allowKey(imageBucket.kmsKeyArn, ["kms:Decrypt"]) : []),
  ];
}

function onServices(
  settings: Settings,
  accountId: string,
  actionsOf: (service: ServicePermissions) => readonly string[],
): PolicyStatement[] {
  return services
    .filter((service) => actionsOf(service).length > 0)
    .map((service) =>
      allow(actionsOf(service), service.resources(settings, accountId), service.condition?.(settings)),
    );
}

function readPermissions(settings: Settings): PolicyStatement[] {
  return [
    allow(["apigateway:GET"], [`arn:aws:apigateway:${settings.region}::/apis/*`]),
    // These have no resources to name, or none that AWS lets a policy name:
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    allow(
      [
        "bedrock:GetFoundationModelAvailability",
        "bedrock:ListFoundationModelAgreementOffers",
        "cloudwatch:DescribeAlarms",
        "lambda:GetAccountSettings",
        "lambda:GetEventSourceMapping",
        "lambda:ListTags",
        "logs:DescribeLogGroups",
      ],
      ["*"],
    ),
    allow(["s3:ListBucket"], [stateBucket(settings)]),
  ];
}

function eventSourcePermissions({ region, suffix }: Settings, accountId: string): PolicyStatement[] {
  return [
    // An event source has an id that nobody knows before; what it calls is known.
    allow(
      [
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
      ],
      ["*"],
      {
        ArnEquals: {
          "lambda:FunctionArn": `arn:aws:lambda:${region}:${accountId}:function:${consumerName(suffix)}`,
        },
      },
    ),
    allow(
      ["lambda:TagResource", "lambda:UntagResource"],
      [`arn:aws:lambda:${region}:${accountId}:event-source-mapping:*`],
    ),
  ];
}

function apiPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const gateway = `arn:aws:apigateway:${settings.region}:`;
  return [
    allow(["apigateway:POST"], [`${gateway}:/apis`], {
      StringEquals: { "apigateway:Request/ApiName": apiName(settings.suffix) },
    }),
    allow(["apigateway:DELETE", "apigateway:POST", "apigateway:PUT"], [`${gateway}:/tags/*`]),
    // An access log is a delivery of logs, which has no resource to name:
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
    allow(
      [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
      ],
      ["*"],
    ),
    // The first API of an account makes this role:
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html
    allow(
      ["iam:CreateServiceLinkedRole"],
      [
        `arn:aws:iam::${accountId}:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway`,
      ],
    ),
  ];
}

/**
 * Who may write a role's policy may do all that the policy can say: only with the boundary on it, which this role may
 * neither change nor take off.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
function rolePermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const roles = functionNames(settings).map((name) => `arn:aws:iam::${accountId}:role/${name}`);
  return [
    allow(
      ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"],
      roles,
      { StringEquals: { "iam:PermissionsBoundary": boundaryArn(settings, accountId) } },
    ),
    allow(["iam:PassRole"], roles, { StringEquals: { "iam:PassedToService": "lambda.amazonaws.com" } }),
  ];
}

// AWS chooses a key's id: its tags say whose it is, from the request that makes it on.
function keyPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const request = tagged("aws:RequestTag", settings);
  return [
    allow(["kms:CreateKey"], ["*"], request),
    allow(["kms:TagResource"], [`arn:aws:kms:${settings.region}:${accountId}:key/*`], {
      ...request,
      // Not a key that is another environment's already; a new one has no tags yet.
      StringEqualsIfExists: tagged("aws:ResourceTag", settings).StringEquals,
    }),
  ];
}

/**
 * Whoever destroys a bucket has to delete each version of each object first; production keeps its pictures.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
 */
function emptyingPermissions({ imageBucket, production }: Settings): PolicyStatement[] {
  if (imageBucket.kind === "existing" || production) return [];
  const bucket = `arn:aws:s3:::${imageBucket.name}`;
  return [allow(["s3:ListBucketVersions"], [bucket]), allow(["s3:DeleteObjectVersion"], [`${bucket}/*`])];
}

function stateBucket({ state }: Settings): string {
  return `arn:aws:s3:::${state.bucket}`;
}

function stateObject(settings: Settings): string {
  return `${stateBucket(settings)}/${settings.state.key}`;
}

function allow(
  actions: readonly string[],
  resources: readonly string[],
  condition?: PolicyStatement["Condition"],
): PolicyStatement {
  return {
    Effect: "Allow",
    Action: actions,
    Resource: resources,
    ...(condition !== undefined && { Condition: condition }),
  };
}
