import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity/index.js";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key/index.js";
import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic/index.js";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy/index.js";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription/index.js";
import { TerraformStack, TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { topicName } from "../../config/names.ts";
import type { AlarmSettings } from "../../config/settings.ts";
import { denyWithoutTls, type PolicyStatement, policyJson } from "../policy.ts";
import type { AlarmDefinition } from "./alarm-definition.ts";

type Severity = AlarmDefinition["severity"];

export interface NotificationProps {
  readonly suffix: string;
  readonly region: string;
  readonly existingTopics: AlarmSettings["existingTopics"];
}

/** What the topics of this stack share. */
interface Channel {
  readonly key: KmsKey;
  /** Only alarms of this account and region. */
  readonly fromAlarms: NonNullable<PolicyStatement["Condition"]>;
}

/** Where alarms go: a topic for each severity, so that a pager can listen to one of them only. */
export class Notification extends Construct {
  readonly topicArns: Readonly<Record<Severity, string>>;
  #channel: Channel | undefined;

  constructor(scope: Construct, id: string, props: NotificationProps) {
    super(scope, id);
    const { page, ticket } = props.existingTopics ?? {};
    this.#createVariable();
    this.topicArns = {
      page: page ?? this.#createTopic("page", props),
      ticket: ticket ?? this.#createTopic("ticket", props),
    };
  }

  // Sensitive, because plans are posted where many can read them.
  #createVariable(): void {
    const variable = new TerraformVariable(this, "alarm_email", {
      type: "string",
      default: "",
      sensitive: true,
      description: "Who is told of alarms: e-mail addresses with commas between them; empty for nobody",
    });
    variable.overrideLogicalId("alarm_email");
    variable.addValidation({
      condition: `\${alltrue([for address in ${ADDRESSES} : can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@.[:space:]]+$", address))])}`,
      errorMessage:
        "alarm_email is no list of e-mail addresses. Write it like on-call@example.com, or like a@example.com, b@example.com.",
    });
  }

  #createTopic(severity: Severity, { suffix, region }: NotificationProps): string {
    this.#channel ??= this.#createChannel(region);
    const { key, fromAlarms } = this.#channel;
    const topic = new SnsTopic(this, severity, {
      name: topicName(suffix, severity),
      kmsMasterKeyId: key.arn,
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
          Condition: fromAlarms,
        },
        // SNS takes no wildcard here, and Publish is its only action that carries data.
        denyWithoutTls("sns:Publish", topic.arn),
      ]),
    });
    this.#subscribe(severity, topic);
    return topic.arn;
  }

  #createChannel(region: string): Channel {
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    const fromAlarms = {
      StringEquals: { "aws:SourceAccount": accountId },
      ArnLike: { "aws:SourceArn": `arn:aws:cloudwatch:${region}:${accountId}:alarm:*` },
    };
    this.#warnWithoutAddress();
    return { key: this.#createKey(accountId, fromAlarms), fromAlarms };
  }

  // A key of our own, because CloudWatch may not use the one that SNS brings along:
  // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
  #createKey(accountId: string, fromAlarms: Channel["fromAlarms"]): KmsKey {
    return new KmsKey(this, "key", {
      description: "Encrypts notifications of alarms",
      enableKeyRotation: true,
      policy: policyJson([
        {
          Sid: "Account",
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${accountId}:root` },
          Action: "kms:*",
          Resource: "*",
        },
        {
          Sid: "Alarms",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
          Resource: "*",
          Condition: fromAlarms,
        },
      ]),
    });
  }

  // Each address is a resource of its own, so that one can come or go without the others being asked to confirm again.
  #subscribe(severity: Severity, topic: SnsTopic): void {
    const subscription = new SnsTopicSubscription(this, `${severity}-email`, {
      topicArn: topic.arn,
      protocol: "email",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform fills it in
      endpoint: "${each.value}",
    });
    // The addresses are secret, a part of their digests is not: Terraform shows the names of resources.
    subscription.addOverride(
      "for_each",
      `\${{ for address in nonsensitive(${ADDRESSES}) : substr(sha256(address), 0, 8) => sensitive(address) }}`,
    );
  }

  // A check warns on every plan and apply, and stops neither.
  #warnWithoutAddress(): void {
    TerraformStack.of(this).addOverride("check.somebody_is_told", {
      assert: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform fills it in
        condition: '${nonsensitive(trimspace(var.alarm_email)) != ""}',
        error_message:
          "Nobody is told of alarms by e-mail: alarm_email is empty. Set it, or subscribe to the topics in another way.",
      },
    });
  }
}

/** The addresses in the variable, each once, as a Terraform expression: `for_each` refuses a key that comes twice. */
const ADDRESSES = 'distinct(compact([for part in split(",", var.alarm_email) : trimspace(part)]))';
