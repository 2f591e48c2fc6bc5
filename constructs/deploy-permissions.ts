import { derive } from "../config/derived.ts";
import { alarmArns, apiName, boundaryArn, consumerName, modelArn, queueName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { functionNames, roleNames, type ServicePermissions, services } from "./deployable-services.ts";
import { eventServices, webhookPermissions } from "./event-services.ts";
import { allowKey } from "./image-bucket.ts";
import { allow, type PolicyStatement } from "./policy.ts";

/** Not in the table of services: AWS chooses the ids of an event source and of an API, and alarms are many names. */
const eventSources = "aws_lambda_event_source_mapping";
const apiTypes = ["api", "authorizer", "integration", "route", "stage"].map(
  (part) => `aws_apigatewayv2_${part}`,
);

/** The types of resources that the roles may manage. */
export const deployableTypes: readonly string[] = [
  ...[...services, ...eventServices].flatMap(({ types }) => types),
  eventSources,
  "aws_cloudwatch_metric_alarm",
  ...apiTypes,
];

/** For a plan: to read the environment's resources and state and the lifecycle of its models, but no messages or objects. */
export function planPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return [
    ...onServices(services, settings, accountId, ({ read }) => read),
    ...readPermissions(settings),
    allow(["s3:GetObject"], [stateObject(settings)]),
    // The nightly check.
    allow(["bedrock:GetFoundationModel"], derive(settings).modelChain.map(modelArn)),
    allow(["iam:GetPolicy", "iam:GetPolicyVersion"], [boundaryArn(settings, accountId)]),
  ];
}

/** For an apply: to manage the resources that have the environment's names. */
export function resourcePermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return onServices(services, settings, accountId, (service) =>
    service.firstDeployOnly ? [] : writesOf(service, settings),
  );
}

/** For a plan: to read the event bus and the webhooks, but no secrets. */
export function eventPlanPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return onServices(eventServices, settings, accountId, ({ read }) => read);
}

/** For an apply: to manage the event bus and the webhooks. */
export function eventPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return [
    ...onServices(eventServices, settings, accountId, ({ write }) => write),
    ...webhookPermissions(settings, accountId),
  ];
}

/** For the first apply: to create the API, whose id nobody knows yet, and to close the bucket. */
export function firstDeployPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return [
    allow(["apigateway:POST"], [`arn:aws:apigateway:${settings.region}::/apis`], {
      StringEquals: { "apigateway:Request/ApiName": apiName(settings.suffix) },
    }),
    changeApi(settings, "*"),
    ...onServices(services, settings, accountId, (service) =>
      service.firstDeployOnly ? writesOf(service, settings) : [],
    ),
  ];
}

/** An existing bucket is not changed. */
function writesOf({ types, write }: ServicePermissions, { imageBucket }: Settings): readonly string[] {
  return imageBucket.kind === "existing" && types.some((type) => type.startsWith("aws_s3_")) ? [] : write;
}

/**
 * For an apply: resources that AWS names, roles, the lock, the state, and the canary.
 * @param apiId of the environment's API, the only one that the role may change
 */
export function applyPermissions(settings: Settings, accountId: string, apiId: string): PolicyStatement[] {
  const { region, suffix, imageBucket } = settings;
  const keyPrefix = imageBucket.kind === "existing" ? imageBucket.keyPrefix : "";
  return [
    ...eventSourcePermissions(settings, accountId),
    changeApi(settings, apiId),
    allow(
      [
        "cloudwatch:DeleteAlarms",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
      ],
      alarmArns(settings, accountId),
    ),
    ...accessLogPermissions(accountId),
    ...rolePermissions(settings, accountId),
    allow(["s3:PutObject"], [stateObject(settings)]),
    // The lock is an object next to the state: https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
    allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [`${stateObject(settings)}.tflock`]),
    // The canary: one prompt in, its record out.
    allow(["sqs:SendMessage"], [`arn:aws:sqs:${region}:${accountId}:${queueName(suffix)}`]),
    allow(["s3:GetObject"], [`arn:aws:s3:::${imageBucket.name}/${keyPrefix}requests/canary-*`]),
    ...(imageBucket.kind === "existing" ? allowKey(imageBucket.kmsKeyArn, ["kms:Decrypt"]) : []),
  ];
}

function onServices(
  services: readonly ServicePermissions[],
  settings: Settings,
  accountId: string,
  actionsOf: (service: ServicePermissions) => readonly string[],
): PolicyStatement[] {
  return services
    .filter((service) => actionsOf(service).length > 0)
    .map((service) => allow(actionsOf(service), service.resources(settings, accountId)));
}

function readPermissions(settings: Settings): PolicyStatement[] {
  return [
    allow(["apigateway:GET"], [`arn:aws:apigateway:${settings.region}::/apis/*`]),
    // AWS supports no resource-level permissions for these, but for the tags of alarms, whose names would take too much room:
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    allow(
      [
        "bedrock:GetFoundationModelAvailability",
        "bedrock:ListFoundationModelAgreementOffers",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:ListTagsForResource",
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
    // AWS chooses the id of an event source; its function is known.
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

/**
 * The parts of an HTTP API have neither its name nor its tags: its id alone tells whose they are.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-supported-resources.html
 */
function changeApi({ region }: Settings, apiId: string): PolicyStatement {
  return allow(
    ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"],
    [`apis/${apiId}`, `apis/${apiId}/*`, `tags/*${apiId}*`].map(
      (path) => `arn:aws:apigateway:${region}::/${path}`,
    ),
  );
}

function accessLogPermissions(accountId: string): PolicyStatement[] {
  return [
    // Access logs use log delivery, which has no resource-level permissions:
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
    // The first API of an account creates this role:
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
 * A principal that can write a role's policy can give the role any permission. So these actions need the boundary on the
 * role, which the apply role can neither change nor remove.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
function rolePermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const arnOf = (name: string) => `arn:aws:iam::${accountId}:role/${name}`;
  return [
    allow(
      ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"],
      roleNames(settings).map(arnOf),
      { StringEquals: { "iam:PermissionsBoundary": boundaryArn(settings, accountId) } },
    ),
    allow(["iam:PassRole"], functionNames(settings).map(arnOf), {
      StringEquals: { "iam:PassedToService": "lambda.amazonaws.com" },
    }),
  ];
}

function stateBucket({ state }: Settings): string {
  return `arn:aws:s3:::${state.bucket}`;
}

function stateObject(settings: Settings): string {
  return `${stateBucket(settings)}/${settings.state.key}`;
}
