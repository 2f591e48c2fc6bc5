import { is, isSet, type PolicyRule } from "./rule.ts";
import { allowsNone, closedToEverybody } from "./statements.ts";

export const roleAndKeyRules: readonly PolicyRule[] = [
  {
    id: "CKV_AWS_60",
    type: "aws_iam_role",
    demand: "can be assumed by somebody by name only",
    holds: closedToEverybody("assume_role_policy"),
  },
  {
    id: "CKV_AWS_274",
    type: "aws_iam_role_policy",
    demand: "does not make an administrator",
    holds: (policy) => !JSON.stringify(policy).includes("AdministratorAccess"),
  },
  {
    id: "CKV_AWS_63",
    type: "aws_iam_role_policy",
    demand: "allows actions by name only",
    holds: allowsNone(({ Action }) => Action.some((action) => action.includes("*"))),
  },
  {
    id: "CKV_AWS_355",
    type: "aws_iam_role_policy",
    demand: "allows nothing on everything",
    holds: allowsNone(({ Resource = [] }) => Resource.includes("*")),
  },
  {
    id: "POLICY_ONLY_TRACES",
    type: "aws_iam_role_policy",
    demand: "allows on everything only what has no resources: traces",
    holds: allowsNone(
      ({ Resource = [], Action }) =>
        Resource.includes("*") && Action.some((action) => !action.startsWith("xray:Put")),
    ),
  },
  { id: "CKV_AWS_7", type: "aws_kms_key", demand: "is rotated", holds: is("enable_key_rotation", true) },
  {
    id: "CKV_AWS_33",
    type: "aws_kms_key",
    demand: "allows nothing to everybody",
    holds: closedToEverybody(),
  },
  { id: "CKV_AWS_227", type: "aws_kms_key", demand: "is enabled", holds: (key) => key.is_enabled !== false },
  { id: "CKV2_AWS_64", type: "aws_kms_key", demand: "has a policy", holds: isSet("policy") },
];
