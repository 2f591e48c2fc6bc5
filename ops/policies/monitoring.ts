import { has, isSet, mentions, rulesFor } from "./rule.ts";
import { closedTo, closedToEverybody, requiresTls } from "./statements.ts";

export const monitoringRules = [
  ...rulesFor("aws_sns_topic", {
    CKV_AWS_26: ["be encrypted", isSet("kms_master_key_id")],
    TOPIC_POLICY: ["have a policy", has("aws_sns_topic_policy")],
  }),
  ...rulesFor("aws_sns_topic_policy", {
    CKV_AWS_169: ["allow nothing to everybody", closedToEverybody()],
    CKV_AWS_385: ["name each principal that it allows", closedTo((principal) => principal.includes("*"))],
    TOPIC_TLS: ["deny requests without TLS", requiresTls("sns:Publish")],
  }),
  ...rulesFor("aws_cloudwatch_log_group", {
    CKV_AWS_66: ["have a retention", isSet("retention_in_days")],
    CKV_AWS_158: ["be encrypted with a key of the account", isSet("kms_key_id")],
    CKV_AWS_338: ["keep a year", (group) => Number(group.retention_in_days) >= 365],
  }),
  ...rulesFor("aws_cloudwatch_metric_alarm", {
    CKV_AWS_319: ["have its actions on", (alarm) => alarm.actions_enabled !== false],
    ALARM_ACTION: ["notify a topic", mentions("alarm_actions", "sns")],
  }),
];
