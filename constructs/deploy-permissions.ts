import type { Settings } from "../config/settings.ts";
import type { PolicyStatement } from "./policy.ts";

/** What Terraform calls for one type of resource, beside what it names. */
interface ServicePermissions {
  readonly types: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly resources: (settings: Settings, accountId: string) => readonly string[];
}

/** The functions of an environment, without its suffix. */
const FUNCTIONS = ["image-processor", "image-api"];

// Found by applying with the AWS provider, then checked with
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
const services: readonly ServicePermissions[] = [
  {
    types: [
      "aws_sqs_queue",
      "aws_sqs_queue_policy",
      "aws_sqs_queue_redrive_policy",
      "aws_sqs_queue_redrive_allow_policy",
    ],
    read: ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"],
    write: ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
    resources: ({ region, suffix }, accountId) =>
      ["", "-dlq"].map((end) => `arn:aws:sqs:${region}:${accountId}:image-generation-queue-${suffix}${end}`),
  },
  {
    types: [
      "aws_s3_bucket",
      "aws_s3_bucket_public_access_block",
      "aws_s3_bucket_ownership_controls",
      "aws_s3_bucket_policy",
      "aws_s3_bucket_server_side_encryption_configuration",
      "aws_s3_bucket_versioning",
      "aws_s3_bucket_lifecycle_configuration",
    ],
    read: [
      "s3:GetAccelerateConfiguration",
      "s3:GetBucketAcl",
      "s3:GetBucketCORS",
      "s3:GetBucketLocation",
      "s3:GetBucketLogging",
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketOwnershipControls",
      "s3:GetBucketPolicy",
      "s3:GetBucketPublicAccessBlock",
      "s3:GetBucketRequestPayment",
      "s3:GetBucketTagging",
      "s3:GetBucketVersioning",
      "s3:GetBucketWebsite",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
    ],
    write: [
      "s3:CreateBucket",
      "s3:DeleteBucket",
      "s3:DeleteBucketPolicy",
      "s3:PutBucketOwnershipControls",
      "s3:PutBucketPolicy",
      "s3:PutBucketPublicAccessBlock",
      "s3:PutBucketTagging",
      "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
    ],
    resources: ({ imageBucket }) => [`arn:aws:s3:::${imageBucket.name}`],
  },
  {
    types: ["aws_lambda_function", "aws_lambda_permission"],
    read: [
      "lambda:GetFunction",
      "lambda:GetFunctionCodeSigningConfig",
      "lambda:GetPolicy",
      "lambda:ListVersionsByFunction",
    ],
    write: [
      "lambda:AddPermission",
      "lambda:CreateFunction",
      "lambda:DeleteFunction",
      "lambda:RemovePermission",
      "lambda:TagResource",
      "lambda:UntagResource",
      "lambda:UpdateFunctionCode",
      "lambda:UpdateFunctionConfiguration",
    ],
    resources: ({ region, suffix }, accountId) =>
      FUNCTIONS.map((name) => `arn:aws:lambda:${region}:${accountId}:function:${name}-${suffix}`),
  },
  {
    types: ["aws_cloudwatch_log_group"],
    read: ["logs:ListTagsForResource"],
    write: [
      "logs:CreateLogGroup",
      "logs:DeleteLogGroup",
      "logs:PutRetentionPolicy",
      "logs:DeleteRetentionPolicy",
      "logs:TagResource",
      "logs:UntagResource",
    ],
    resources: ({ region, suffix }, accountId) =>
      [...FUNCTIONS.map((name) => `lambda/${name}`), "vendedlogs/apigateway/image-generation-api"]
        .map((name) => `arn:aws:logs:${region}:${accountId}:log-group:/aws/${name}-${suffix}`)
        .flatMap((group) => [group, `${group}:*`]),
  },
  {
    types: ["aws_iam_role", "aws_iam_role_policy"],
    read: [
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
      "iam:ListRoleTags",
    ],
    write: [
      "iam:CreateRole",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:PutRolePolicy",
      "iam:TagRole",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
    ],
    resources: functionRoles,
  },
  {
    types: [
      "aws_apigatewayv2_api",
      "aws_apigatewayv2_authorizer",
      "aws_apigatewayv2_integration",
      "aws_apigatewayv2_route",
      "aws_apigatewayv2_stage",
    ],
    read: ["apigateway:GET"],
    write: [
      "apigateway:DELETE",
      "apigateway:PATCH",
      "apigateway:POST",
      "apigateway:PUT",
      "apigateway:TagResource",
    ],
    // An API has an id that nobody knows before.
    resources: ({ region }) =>
      ["apis", "apis/*", "tags/*"].map((path) => `arn:aws:apigateway:${region}::/${path}`),
  },
];

/** Types whose permissions do not fit the table, because their names are chosen by AWS. */
const eventSources = "aws_lambda_event_source_mapping";

/** The types of resources that the roles may read and make. */
export const deployableTypes: readonly string[] = [...services.flatMap(({ types }) => types), eventSources];

/** What a plan needs: to read each resource of the environment and its state. Nothing that is kept in them. */
export function planPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  return [
    ...services.map(({ read, resources }) => allow(read, resources(settings, accountId))),
    // These have no resources to name.
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    allow(["lambda:GetEventSourceMapping", "lambda:ListTags", "logs:DescribeLogGroups"], ["*"]),
    allow(["s3:ListBucket"], [stateBucket(settings)]),
    allow(["s3:GetObject"], [stateObject(settings)]),
  ];
}

/** What an apply needs besides: to make, change and destroy them, and to lock and write the state. */
export function applyPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const { region, suffix, imageBucket } = settings;
  const keyPrefix = imageBucket.kind === "existing" ? imageBucket.keyPrefix : "";
  const functionArn = `arn:aws:lambda:${region}:${accountId}:function:image-processor-${suffix}`;
  return [
    ...planPermissions(settings, accountId),
    ...services
      // A bucket that was there before stays as it is.
      .filter(({ types }) => imageBucket.kind === "new" || !types.includes("aws_s3_bucket"))
      .map(({ write, resources }) => allow(write, resources(settings, accountId))),
    // An event source has an id that nobody knows before; what it calls is known.
    {
      ...allow(
        [
          "lambda:CreateEventSourceMapping",
          "lambda:DeleteEventSourceMapping",
          "lambda:UpdateEventSourceMapping",
        ],
        ["*"],
      ),
      Condition: { ArnEquals: { "lambda:FunctionArn": functionArn } },
    },
    allow(
      ["lambda:TagResource", "lambda:UntagResource"],
      [`arn:aws:lambda:${region}:${accountId}:event-source-mapping:*`],
    ),
    {
      ...allow(["iam:PassRole"], functionRoles(settings, accountId)),
      Condition: { StringEquals: { "iam:PassedToService": "lambda.amazonaws.com" } },
    },
    // A stage's access log is set up in the name of whoever makes the stage; the log service names no resources for it.
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
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
    allow(["s3:PutObject"], [stateObject(settings)]),
    // The lock is an object beside the state: https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
    allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [`${stateObject(settings)}.tflock`]),
    // The canary: one prompt in, its record out.
    allow(["sqs:SendMessage"], [`arn:aws:sqs:${region}:${accountId}:image-generation-queue-${suffix}`]),
    allow(["s3:GetObject"], [`arn:aws:s3:::${imageBucket.name}/${keyPrefix}requests/canary-*`]),
  ];
}

function functionRoles({ suffix }: Settings, accountId: string): string[] {
  return FUNCTIONS.map((name) => `arn:aws:iam::${accountId}:role/${name}-${suffix}`);
}

function stateBucket({ state }: Settings): string {
  return `arn:aws:s3:::${state.bucket}`;
}

function stateObject(settings: Settings): string {
  return `${stateBucket(settings)}/${settings.state.key}`;
}

function allow(actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return { Effect: "Allow", Action: actions, Resource: resources };
}
