import { companions, is, isSet, type PolicyRule } from "./rule.ts";
import {
  allowsNone,
  allowsNowhereInParticular,
  closedTo,
  closedToEverybody,
  trustsOneRepository,
} from "./statements.ts";

const READING = /:(Get|List|Describe|Head|Simulate)/;
const TRACING = /^xray:Put/;
const ESCALATION =
  /^(\*|iam:(\*|PassRole|(Attach|Put)\w*Policy|CreatePolicyVersion|SetDefaultPolicyVersion|UpdateAssumeRolePolicy|AddUserToGroup))$/;
const CREDENTIALS =
  /^(\*|sts:(\*|Assume\w+|Get(Session|Federation)Token)|iam:(\*|(Create|Update)(AccessKey|LoginProfile)))$/;
const DATA =
  /^(\*|s3:(\*|GetObject)|sqs:(\*|ReceiveMessage)|ssm:(\*|GetParameters?)|secretsmanager:(\*|GetSecretValue))$/;
const PERMISSIONS =
  /^(\*|iam:(\*|Create|Put|Attach|Detach|Delete|Update|Set|Add|Remove)\w*|\w+:(Add|Remove)Permission|\w+:(Put|Delete|Set)\w*(Policy|Acl)|sqs:SetQueueAttributes|sns:SetTopicAttributes|kms:(CreateGrant|PutKeyPolicy))$/;

/** What holds for what a role may do, wherever that is written. */
const grants: readonly Omit<PolicyRule, "type">[] = [
  {
    id: "CKV_AWS_62",
    demand: "does not allow everything on everything",
    holds: allowsNone(({ Action, Resource = [] }) => Action.includes("*") && Resource.includes("*")),
  },
  {
    id: "CKV_AWS_63",
    demand: "allows actions by name only",
    holds: allowsNone(({ Action }) => Action.some((action) => action.includes("*"))),
  },
  {
    id: "CKV_AWS_355",
    demand: "allows nothing on everything",
    holds: allowsNone(({ Resource = [] }) => Resource.includes("*")),
  },
  {
    id: "CKV_AWS_286",
    demand: "gives no way to more rights",
    holds: allowsNowhereInParticular((action) => ESCALATION.test(action)),
  },
  {
    id: "CKV_AWS_287",
    demand: "gives out no credentials",
    holds: allowsNowhereInParticular((action) => CREDENTIALS.test(action)),
  },
  {
    id: "CKV_AWS_288",
    demand: "lets nobody carry all data away",
    holds: allowsNowhereInParticular((action) => DATA.test(action)),
  },
  {
    id: "CKV_AWS_289",
    demand: "changes permissions of named resources only",
    holds: allowsNowhereInParticular((action) => PERMISSIONS.test(action)),
  },
  {
    id: "CKV_AWS_290",
    demand: "writes to named resources only",
    holds: allowsNowhereInParticular((action) => !READING.test(action) && !TRACING.test(action)),
  },
  {
    id: "POLICY_ONLY_TRACES",
    demand: "allows on everything only what has no resources: traces",
    holds: allowsNone(
      ({ Resource = [], Action }) => Resource.includes("*") && Action.some((action) => !TRACING.test(action)),
    ),
  },
];

export const roleAndKeyRules: readonly PolicyRule[] = [
  {
    id: "CKV_AWS_60",
    type: "aws_iam_role",
    demand: "can be assumed by somebody by name only",
    holds: closedToEverybody("assume_role_policy"),
  },
  {
    id: "CKV_AWS_61",
    type: "aws_iam_role",
    demand: "cannot be assumed by a whole account",
    holds: closedTo((principal) => /:root$|^\d{12}$/.test(principal), "assume_role_policy"),
  },
  {
    id: "CKV_AWS_274",
    type: "aws_iam_role",
    demand: "is no administrator's",
    holds: (role, stack, name) =>
      !JSON.stringify([
        role,
        ...companions(stack, "aws_iam_role_policy_attachment", `aws_iam_role.${name}`),
      ]).includes("AdministratorAccess"),
  },
  {
    id: "CKV_AWS_393",
    type: "aws_iam_role",
    demand: "trusts the workflows of one repository only",
    holds: trustsOneRepository,
  },
  ...["aws_iam_role_policy", "aws_iam_policy"].flatMap((type) => grants.map((rule) => ({ ...rule, type }))),
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
