import { has, isSet, mentions, type PolicyRule } from "./rule.ts";
import { closedTo, closedToEverybody, demandsTls } from "./statements.ts";

export const monitoringRules: readonly PolicyRule[] = [
  { id: "CKV_AWS_26", type: "aws_sns_topic", demand: "is encrypted", holds: isSet("kms_master_key_id") },
  {
    id: "TOPIC_POLICY",
    type: "aws_sns_topic",
    demand: "has a policy",
    holds: has("aws_sns_topic_policy", "aws_sns_topic"),
  },
  {
    id: "CKV_AWS_169",
    type: "aws_sns_topic_policy",
    demand: "allows nothing to everybody",
    holds: closedToEverybody(),
  },
  {
    id: "CKV_AWS_385",
    type: "aws_sns_topic_policy",
    demand: "allows something to somebody by name only",
    holds: closedTo((principal) => principal.includes("*")),
  },
  {
    id: "TOPIC_TLS",
    type: "aws_sns_topic_policy",
    demand: "refuses whoever comes without TLS",
    holds: demandsTls("sns:Publish"),
  },
  {
    id: "CKV_AWS_66",
    type: "aws_cloudwatch_log_group",
    demand: "forgets",
    holds: isSet("retention_in_days"),
  },
  {
    id: "CKV_AWS_158",
    type: "aws_cloudwatch_log_group",
    demand: "is encrypted with a key of the account",
    holds: isSet("kms_key_id"),
  },
  {
    id: "CKV_AWS_338",
    type: "aws_cloudwatch_log_group",
    demand: "keeps a year",
    holds: (group) => Number(group.retention_in_days) >= 365,
  },
  {
    id: "CKV_AWS_319",
    type: "aws_cloudwatch_metric_alarm",
    demand: "has its actions on",
    holds: (alarm) => alarm.actions_enabled !== false,
  },
  {
    id: "ALARM_ACTION",
    type: "aws_cloudwatch_metric_alarm",
    demand: "tells somebody",
    holds: mentions("alarm_actions", "sns"),
  },
];
