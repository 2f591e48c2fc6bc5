import { CloudwatchEventApiDestination } from "@cdktf/provider-aws/lib/cloudwatch-event-api-destination/index.js";
import type { CloudwatchEventBus } from "@cdktf/provider-aws/lib/cloudwatch-event-bus/index.js";
import { CloudwatchEventConnection } from "@cdktf/provider-aws/lib/cloudwatch-event-connection/index.js";
import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy/index.js";
import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue/index.js";
import { SqsQueuePolicy } from "@cdktf/provider-aws/lib/sqs-queue-policy/index.js";
import { Construct } from "constructs";
import { webhookDeadLetterQueueName, webhookName, webhookRoleName } from "../config/names.ts";
import type { WebhookSettings } from "../config/webhooks.ts";
import { EVENT_SOURCE } from "../functions/domain/events.ts";
import { jsonOf } from "./json.ts";
import { denyWithoutTls, type PolicyStatement, policyJson } from "./policy.ts";

export interface WebhooksProps {
  readonly suffix: string;
  readonly bus: CloudwatchEventBus;
  readonly webhooks: readonly WebhookSettings[];
  /** Of what could not be delivered, in seconds. */
  readonly deadLetterRetention: number;
}

/** The most that EventBridge offers: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html */
const RETRY_POLICY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

/** Delivers events to the URLs in the settings. EventBridge calls them, and no function does. */
export class Webhooks extends Construct {
  /** What no webhook took. */
  readonly deadLetterQueue: SqsQueue;

  constructor(scope: Construct, id: string, props: WebhooksProps) {
    super(scope, id);
    const { suffix, webhooks } = props;
    this.deadLetterQueue = new SqsQueue(this, "dead-letters", {
      name: webhookDeadLetterQueueName(suffix),
      messageRetentionSeconds: props.deadLetterRetention,
      sqsManagedSseEnabled: true,
    });
    const wired = webhooks.map((webhook) => ({
      webhook,
      rule: this.#createRule(webhook, props),
      destination: this.#createDestination(webhook, suffix),
    }));
    const ruleArns = wired.map(({ rule }) => rule.arn);
    this.#allowRules(ruleArns);
    const role = this.#createRole(
      suffix,
      ruleArns,
      wired.map(({ destination }) => destination.arn),
    );
    for (const { webhook, rule, destination } of wired) {
      new CloudwatchEventTarget(this, `${webhook.name}-target`, {
        eventBusName: props.bus.name,
        rule: rule.name,
        targetId: "webhook",
        arn: destination.arn,
        roleArn: role.arn,
        // Without the envelope, which names the account.
        inputPath: "$.detail",
        retryPolicy: RETRY_POLICY,
        deadLetterConfig: { arn: this.deadLetterQueue.arn },
      });
    }
  }

  #createRule({ name, statuses }: WebhookSettings, { suffix, bus }: WebhooksProps): CloudwatchEventRule {
    return new CloudwatchEventRule(this, `${name}-rule`, {
      name: webhookName(suffix, name),
      description: `What the webhook ${name} gets`,
      eventBusName: bus.name,
      eventPattern: jsonOf({ source: [EVENT_SOURCE], detail: { status: statuses } }),
    });
  }

  #createDestination({ name, url }: WebhookSettings, suffix: string): CloudwatchEventApiDestination {
    const connection = new CloudwatchEventConnection(this, `${name}-connection`, {
      name: webhookName(suffix, name),
      authorizationType: "API_KEY",
      // Terraform would keep the secret in its state. So Terraform creates the connection with this text instead of it, an
      // operator sets it (docs/events.md), and no apply takes that back.
      authParameters: { apiKey: { key: "Authorization", value: "not set yet" } },
      lifecycle: { ignoreChanges: ["auth_parameters"] },
    });
    return new CloudwatchEventApiDestination(this, `${name}-destination`, {
      name: webhookName(suffix, name),
      connectionArn: connection.arn,
      invocationEndpoint: url,
      httpMethod: "POST",
    });
  }

  /** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html#eb-dlq-perms */
  #allowRules(ruleArns: readonly string[]): void {
    const { arn, url } = this.deadLetterQueue;
    new SqsQueuePolicy(this, "dead-letters-policy", {
      queueUrl: url,
      policy: policyJson([
        {
          Sid: "RulesOnly",
          Effect: "Allow",
          Principal: { Service: "events.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: arn,
          Condition: { ArnEquals: { "aws:SourceArn": ruleArns } },
        },
        denyWithoutTls("sqs:*", arn),
      ]),
    });
  }

  #createRole(suffix: string, ruleArns: readonly string[], destinationArns: readonly string[]): IamRole {
    const role = new IamRole(this, "role", {
      name: webhookRoleName(suffix),
      assumeRolePolicy: jsonOf({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: "events.amazonaws.com" },
            Action: "sts:AssumeRole",
            Condition: { ArnEquals: { "aws:SourceArn": ruleArns } },
          },
        ],
      }),
    });
    new IamRolePolicy(this, "permissions", {
      name: role.name,
      role: role.name,
      policy: policyJson([allowDelivering(destinationArns)]),
    });
    return role;
  }
}

/** Lets EventBridge call webhooks. */
export function allowDelivering(destinationArns: string | readonly string[]): PolicyStatement {
  return {
    Sid: "Deliver",
    Effect: "Allow",
    Action: "events:InvokeApiDestination",
    Resource: destinationArns,
  };
}
