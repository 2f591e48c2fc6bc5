import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity/index.js";
import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic/index.js";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy/index.js";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription/index.js";
import { TerraformStack, TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { notificationKeyAlias, topicName } from "../../config/names.ts";
import type { AlarmSettings } from "../../config/settings.ts";
import { denyWithoutTls, policyJson } from "../policy.ts";
import type { AlarmDefinition } from "./alarm-definition.ts";
import { fromAlarms } from "./notification-key.ts";

type Severity = AlarmDefinition["severity"];

export interface NotificationProps {
  readonly suffix: string;
  readonly region: string;
  readonly existingTopics: AlarmSettings["existingTopics"];
}

/** A topic for each severity, so that a pager can subscribe to one of them. */
export class Notification extends Construct {
  readonly topicArns: Readonly<Record<Severity, string>>;
  /** Of the topics of this stack. */
  #accountId: string | undefined;

  constructor(scope: Construct, id: string, props: NotificationProps) {
    super(scope, id);
    const { page, ticket } = props.existingTopics ?? {};
    this.#createVariable();
    this.topicArns = {
      page: page ?? this.#createTopic("page", props),
      ticket: ticket ?? this.#createTopic("ticket", props),
    };
  }

  // Sensitive, because plans are posted on pull requests.
  #createVariable(): void {
    const variable = new TerraformVariable(this, "alarm_email", {
      type: "string",
      default: "",
      sensitive: true,
      description: "The e-mail addresses to notify of alarms, separated by commas; empty for none",
    });
    variable.overrideLogicalId("alarm_email");
    variable.addValidation({
      condition: `\${alltrue([for address in ${ADDRESSES} : can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@.[:space:]]+$", address))])}`,
      errorMessage:
        "alarm_email is not a valid list of e-mail addresses. Use the form on-call@example.com, or a@example.com, b@example.com.",
    });
  }

  #createTopic(severity: Severity, { suffix, region }: NotificationProps): string {
    this.#accountId ??= this.#readAccountId();
    const topic = new SnsTopic(this, severity, {
      name: topicName(suffix, severity),
      kmsMasterKeyId: notificationKeyAlias(suffix),
    });
    new SnsTopicPolicy(this, `${severity}-policy`, {
      arn: topic.arn,
      policy: policyJson([
        {
          Sid: "AlarmsOnly",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Resource: topic.arn,
          Condition: fromAlarms({ suffix, region, accountId: this.#accountId }),
        },
        // SNS accepts no wildcard here, and Publish is its only action with data.
        denyWithoutTls("sns:Publish", topic.arn),
      ]),
    });
    this.#subscribe(severity, topic);
    return topic.arn;
  }

  #readAccountId(): string {
    this.#warnWithoutAddress();
    return new DataAwsCallerIdentity(this, "account").accountId;
  }

  // Each address is a resource of its own: a change of one asks no other to confirm again.
  #subscribe(severity: Severity, topic: SnsTopic): void {
    const subscription = new SnsTopicSubscription(this, `${severity}-email`, {
      topicArn: topic.arn,
      protocol: "email",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform fills it in
      endpoint: "${each.value}",
    });
    // Terraform shows the keys of resources, so they are digests instead of the secret addresses.
    subscription.addOverride(
      "for_each",
      `\${{ for address in nonsensitive(${ADDRESSES}) : substr(sha256(address), 0, 8) => sensitive(address) }}`,
    );
  }

  // A check warns on each plan and apply, and stops neither.
  #warnWithoutAddress(): void {
    TerraformStack.of(this).addOverride("check.somebody_is_told", {
      assert: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform fills it in
        condition: '${nonsensitive(trimspace(var.alarm_email)) != ""}',
        error_message:
          "Alarms notify nobody by e-mail: alarm_email is empty. Set it, or subscribe to the topics in another way.",
      },
    });
  }
}

/** The distinct addresses in the variable, as a Terraform expression: `for_each` refuses a key that occurs twice. */
const ADDRESSES = 'distinct(compact([for part in split(",", var.alarm_email) : trimspace(part)]))';
