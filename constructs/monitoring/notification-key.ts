import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key/index.js";
import type { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { Construct } from "constructs";
import { alarmArns, notificationKeyAlias } from "../../config/names.ts";
import { type PolicyStatement, policyJson } from "../policy.ts";

export interface NotificationKeyProps {
  readonly suffix: string;
  readonly region: string;
  readonly accountId: string;
  /** Of that region. */
  readonly provider: AwsProvider;
}

/**
 * The key that encrypts the notifications of an environment's alarms. The bootstrap creates it, so that no deployment may
 * change a key. CloudWatch cannot use the AWS managed key of SNS:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
export class NotificationKey extends Construct {
  constructor(scope: Construct, id: string, { provider, ...names }: NotificationKeyProps) {
    super(scope, id);
    const { suffix, accountId } = names;
    const key = new KmsKey(this, "key", {
      provider,
      description: `Encrypts the alarm notifications of ${suffix}`,
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
          Condition: fromAlarms(names),
        },
      ]),
    });
    new KmsAlias(this, "alias", { provider, name: notificationKeyAlias(suffix), targetKeyId: key.id });
  }
}

/** A condition that is true for the alarms of an environment, and no others. */
export function fromAlarms(
  names: Pick<NotificationKeyProps, "suffix" | "region" | "accountId">,
): NonNullable<PolicyStatement["Condition"]> {
  return {
    StringEquals: { "aws:SourceAccount": names.accountId },
    ArnEquals: { "aws:SourceArn": alarmArns(names, names.accountId) },
  };
}
