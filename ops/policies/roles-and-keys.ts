import { companions, is, isSet, rulesFor } from "./rule.ts";
import {
  allowsNone,
  closedTo,
  closedToEverybody,
  neverOnEverything,
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

/** Rules for what a role may do: in its own policy and in managed ones. */
const grantRules = ["aws_iam_role_policy", "aws_iam_policy"].flatMap((type) =>
  rulesFor(type, {
    CKV_AWS_62: [
      "not allow everything on everything",
      allowsNone(({ Action, Resource = [] }) => Action.includes("*") && Resource.includes("*")),
    ],
    CKV_AWS_63: [
      "name each action that it allows",
      allowsNone(({ Action }) => Action.some((action) => action.includes("*"))),
    ],
    CKV_AWS_355: [
      "name the resources of each action that it allows",
      allowsNone(({ Resource = [] }) => Resource.includes("*")),
    ],
    CKV_AWS_286: [
      "allow no escalation of privileges",
      neverOnEverything((action) => ESCALATION.test(action)),
    ],
    CKV_AWS_287: ["give out no credentials", neverOnEverything((action) => CREDENTIALS.test(action))],
    CKV_AWS_288: [
      "name the resources whose data it lets read",
      neverOnEverything((action) => DATA.test(action)),
    ],
    CKV_AWS_289: [
      "name the resources whose permissions it lets change",
      neverOnEverything((action) => PERMISSIONS.test(action)),
    ],
    CKV_AWS_290: [
      "name the resources that it lets write",
      neverOnEverything((action) => !READING.test(action) && !TRACING.test(action)),
    ],
    POLICY_ONLY_TRACES: [
      "allow nothing on * except traces, which have no resources",
      allowsNone(
        ({ Resource = [], Action }) =>
          Resource.includes("*") && Action.some((action) => !TRACING.test(action)),
      ),
    ],
  }),
);

export const roleAndKeyRules = [
  ...rulesFor("aws_iam_role", {
    CKV_AWS_60: ["name each principal that may assume it", closedToEverybody("assume_role_policy")],
    CKV_AWS_61: [
      "not trust a whole account",
      closedTo((principal) => /:root$|^\d{12}$/.test(principal), "assume_role_policy"),
    ],
    CKV_AWS_274: [
      "not be an administrator",
      (role, stack, address) =>
        !JSON.stringify([role, ...companions(stack, "aws_iam_role_policy_attachment", address)]).includes(
          "AdministratorAccess",
        ),
    ],
    CKV_AWS_393: ["trust the workflows of one repository only", trustsOneRepository],
  }),
  ...grantRules,
  ...rulesFor("aws_kms_key", {
    CKV_AWS_7: ["be rotated", is("enable_key_rotation", true)],
    CKV_AWS_33: ["allow nothing to everybody", closedToEverybody()],
    CKV_AWS_227: ["be enabled", (key) => key.is_enabled !== false],
    CKV2_AWS_64: ["have a policy", isSet("policy")],
  }),
];
