import { eventBusName, webhookName, webhookRoleName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import type { ServicePermissions } from "./deployable-services.ts";
import { allow, type PolicyStatement } from "./policy.ts";

/** Of the event bus and the webhooks. */
export const eventServices: readonly ServicePermissions[] = [
  {
    types: ["aws_cloudwatch_event_bus"],
    read: ["events:DescribeEventBus", "events:ListTagsForResource"],
    write: [
      "events:CreateEventBus",
      "events:DeleteEventBus",
      "events:TagResource",
      "events:UntagResource",
      "events:UpdateEventBus",
    ],
    resources: ({ region, suffix }, accountId) => [
      `arn:aws:events:${region}:${accountId}:event-bus/${eventBusName(suffix)}`,
    ],
  },
  {
    types: ["aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"],
    read: ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"],
    write: [
      "events:DeleteRule",
      "events:PutRule",
      "events:PutTargets",
      "events:RemoveTargets",
      "events:TagResource",
      "events:UntagResource",
    ],
    resources: ({ region, suffix }, accountId) => [
      `arn:aws:events:${region}:${accountId}:rule/${eventBusName(suffix)}/${webhookName(suffix, "*")}`,
    ],
  },
  {
    types: ["aws_cloudwatch_event_connection", "aws_cloudwatch_event_api_destination"],
    read: ["events:DescribeApiDestination", "events:DescribeConnection"],
    write: [
      "events:CreateApiDestination",
      "events:CreateConnection",
      "events:DeleteApiDestination",
      "events:DeleteConnection",
      "events:UpdateApiDestination",
    ],
    // AWS adds an id to each name.
    resources: ({ region, suffix }, accountId) =>
      ["api-destination", "connection"].map(
        (type) => `arn:aws:events:${region}:${accountId}:${type}/${webhookName(suffix, "*")}/*`,
      ),
  },
];

/**
 * For an apply, beside the webhooks' own resources. EventBridge keeps the secret of a connection in Secrets Manager, with
 * the permissions of the role that creates or deletes it.
 * The list is that of AWS's own policy:
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEventBridgeFullAccess.html
 */
export function webhookPermissions({ region, suffix }: Settings, accountId: string): PolicyStatement[] {
  const role = "AWSServiceRoleForAmazonEventBridgeApiDestinations";
  const roleArn = `arn:aws:iam::${accountId}:role`;
  return [
    allow(["iam:PassRole"], [`${roleArn}/${webhookRoleName(suffix)}`], {
      StringEquals: { "iam:PassedToService": "events.amazonaws.com" },
    }),
    allow(
      [
        "secretsmanager:CreateSecret",
        "secretsmanager:DeleteSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecret",
      ],
      [
        `arn:aws:secretsmanager:${region}:${accountId}:secret:events!connection/${webhookName(suffix, "*")}/*`,
      ],
    ),
    // The first connection of an account creates this role:
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/using-service-linked-roles-service-action-1.html
    allow(
      ["iam:CreateServiceLinkedRole"],
      [`${roleArn}/aws-service-role/apidestinations.events.amazonaws.com/${role}`],
    ),
  ];
}
