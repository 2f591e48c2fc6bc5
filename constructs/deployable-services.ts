import {
  apiFunctionName,
  apiName,
  breakerName,
  consumerName,
  dashboardName,
  deadLetterQueueName,
  queueName,
  topicName,
  webhookDeadLetterQueueName,
  webhookRoleName,
} from "../config/names.ts";
import type { Settings } from "../config/settings.ts";

/** The actions that Terraform calls for some types of resources, and the ARNs of those. */
export interface ServicePermissions {
  readonly types: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly resources: (settings: Settings, accountId: string) => readonly string[];
  /** Whether the apply role may write only until the environment is deployed. After that, an administrator has to. */
  readonly firstDeployOnly?: true;
}

/** The names of the environment's functions and of their roles. */
export function functionNames({ suffix }: Settings): string[] {
  return [consumerName(suffix), apiFunctionName(suffix), breakerName(suffix)];
}

/** The names of the environment's roles. */
export function roleNames(settings: Settings): string[] {
  return [...functionNames(settings), webhookRoleName(settings.suffix)];
}

// Found by applying with the AWS provider, then checked with
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
export const services: readonly ServicePermissions[] = [
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
      [queueName(suffix), deadLetterQueueName(suffix), webhookDeadLetterQueueName(suffix)].map(
        (name) => `arn:aws:sqs:${region}:${accountId}:${name}`,
      ),
  },
  {
    types: [
      "aws_s3_bucket",
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
      "s3:PutBucketTagging",
      "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
    ],
    resources: ({ imageBucket }) => [`arn:aws:s3:::${imageBucket.name}`],
  },
  {
    types: ["aws_s3_bucket_public_access_block", "aws_s3_bucket_ownership_controls", "aws_s3_bucket_policy"],
    read: [],
    // What opens the pictures to other accounts. IAM has no condition on what a bucket policy says.
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    write: [
      "s3:DeleteBucketPolicy",
      "s3:PutBucketOwnershipControls",
      "s3:PutBucketPolicy",
      "s3:PutBucketPublicAccessBlock",
    ],
    firstDeployOnly: true,
    resources: ({ imageBucket }) => [`arn:aws:s3:::${imageBucket.name}`],
  },
  {
    types: ["aws_lambda_function", "aws_lambda_function_recursion_config", "aws_lambda_permission"],
    read: [
      "lambda:GetFunction",
      "lambda:GetFunctionCodeSigningConfig",
      "lambda:GetFunctionRecursionConfig",
      "lambda:GetPolicy",
      "lambda:ListVersionsByFunction",
    ],
    write: [
      "lambda:AddPermission",
      "lambda:CreateFunction",
      "lambda:DeleteFunction",
      "lambda:DeleteFunctionConcurrency",
      "lambda:PutFunctionConcurrency",
      "lambda:PutFunctionRecursionConfig",
      "lambda:RemovePermission",
      "lambda:TagResource",
      "lambda:UntagResource",
      "lambda:UpdateFunctionCode",
      "lambda:UpdateFunctionConfiguration",
    ],
    resources: (settings, accountId) =>
      functionNames(settings).map(
        (name) => `arn:aws:lambda:${settings.region}:${accountId}:function:${name}`,
      ),
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
    resources: (settings, accountId) =>
      [
        ...functionNames(settings).map((name) => `/aws/lambda/${name}`),
        `/aws/vendedlogs/apigateway/${apiName(settings.suffix)}`,
      ].flatMap((name) => {
        const group = `arn:aws:logs:${settings.region}:${accountId}:log-group:${name}`;
        return [group, `${group}:*`];
      }),
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
    write: ["iam:DeleteRole", "iam:DeleteRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateRole"],
    resources: (settings, accountId) =>
      roleNames(settings).map((name) => `arn:aws:iam::${accountId}:role/${name}`),
  },
  {
    types: ["aws_cloudwatch_dashboard"],
    read: ["cloudwatch:GetDashboard"],
    write: ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
    resources: ({ suffix }, accountId) => [
      `arn:aws:cloudwatch::${accountId}:dashboard/${dashboardName(suffix)}`,
    ],
  },
  {
    types: ["aws_sns_topic", "aws_sns_topic_policy", "aws_sns_topic_subscription"],
    read: ["sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListTagsForResource"],
    write: [
      "sns:CreateTopic",
      "sns:DeleteTopic",
      "sns:SetTopicAttributes",
      "sns:Subscribe",
      "sns:TagResource",
      "sns:Unsubscribe",
      "sns:UntagResource",
    ],
    resources: ({ region, suffix }, accountId) =>
      (["page", "ticket"] as const).flatMap((severity) => {
        const topic = `arn:aws:sns:${region}:${accountId}:${topicName(suffix, severity)}`;
        // A subscription's ARN is its topic's, and an id.
        return [topic, `${topic}:*`];
      }),
  },
];
