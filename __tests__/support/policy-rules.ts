import { z } from "zod";
import type { SynthesisedStack } from "./synthesise.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** A rule for all resources of a type. Ids that begin with CKV are those of the same rules in Checkov. */
export interface PolicyRule {
  readonly id: string;
  readonly type: string;
  /** What every such resource has to be like. */
  readonly demand: string;
  readonly holds: (attributes: Attributes, stack: SynthesisedStack, name: string) => boolean;
}

export interface Finding {
  readonly rule: string;
  /** The resource's address in Terraform. */
  readonly address: string;
  readonly demand: string;
}

/** Everything in a stack that breaks a rule. */
export function judge(stack: SynthesisedStack): Finding[] {
  return POLICY_RULES.flatMap(({ id, type, demand, holds }) =>
    Object.entries(stack.resources(type))
      .filter(([name, attributes]) => !holds(attributes, stack, name))
      .map(([name]) => ({ rule: id, address: `${type}.${name}`, demand })),
  );
}

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Statement: z.array(
    z.object({
      Effect: z.enum(["Allow", "Deny"]),
      Principal: z.union([z.string(), z.record(z.string(), oneOrMore)]).optional(),
      Action: oneOrMore,
      Resource: oneOrMore.optional(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});
type Statement = z.output<typeof policySchema>["Statement"][number];

function statements(attributes: Attributes, attribute = "policy"): Statement[] {
  return policySchema.parse(JSON.parse(String(attributes[attribute]))).Statement;
}

function isForEverybody({ Effect, Principal }: Statement): boolean {
  if (Effect !== "Allow") return false;
  return typeof Principal === "string" ? Principal === "*" : (Principal?.AWS ?? []).includes("*");
}

function closedToEverybody(attributes: Attributes): boolean {
  return !statements(attributes).some(isForEverybody);
}

function demandsTls(attributes: Attributes): boolean {
  return statements(attributes).some(
    ({ Effect, Principal, Condition }) =>
      Effect === "Deny" && Principal === "*" && Condition?.Bool?.["aws:SecureTransport"] === "false",
  );
}

/** Whether another resource of a type refers to this one. */
function has(companion: string, type: string) {
  return (_: Attributes, stack: SynthesisedStack, name: string) =>
    Object.values(stack.resources(companion)).some((attributes) =>
      JSON.stringify(attributes).includes(`\${${type}.${name}.`),
    );
}

function isSet(attribute: string) {
  return (attributes: Attributes) => (attributes[attribute] ?? "") !== "";
}

function is(attribute: string, value: unknown) {
  return (attributes: Attributes) => attributes[attribute] === value;
}

function isDeadLetterQueue(stack: SynthesisedStack, name: string): boolean {
  return (
    has("aws_sqs_queue_redrive_allow_policy", "aws_sqs_queue")({}, stack, name) &&
    !has("aws_lambda_event_source_mapping", "aws_sqs_queue")({}, stack, name)
  );
}

/** The function time-outs of those that consume a queue. */
function consumerTimeouts(stack: SynthesisedStack, queue: string): number[] {
  return Object.values(stack.resources("aws_lambda_event_source_mapping"))
    .filter((mapping) => String(mapping.event_source_arn).includes(`.${queue}.`))
    .flatMap((mapping) =>
      Object.entries(stack.resources("aws_lambda_function"))
        .filter(([name]) => String(mapping.function_name).includes(`.${name}.`))
        .map(([, fn]) => 6 * Number(fn.timeout) + Number(mapping.maximum_batching_window_in_seconds)),
    );
}

const SECRET = /AKIA[0-9A-Z]{16}|-----BEGIN|(?:password|secret|token)"\s*:/i;
const SERVED_RUNTIMES = ["nodejs22.x", "nodejs24.x"];
const trust = (attributes: Attributes) =>
  !statements({ ...attributes }, "assume_role_policy").some(isForEverybody);
const grants = (test: (statement: Statement) => boolean) => (attributes: Attributes) =>
  !statements(attributes).some((statement) => statement.Effect === "Allow" && test(statement));

export const POLICY_RULES: readonly PolicyRule[] = [
  {
    id: "CKV_AWS_27",
    type: "aws_sqs_queue",
    demand: "is encrypted",
    holds: (queue) => queue.sqs_managed_sse_enabled === true || queue.kms_master_key_id !== undefined,
  },
  {
    id: "QUEUE_REDRIVE",
    type: "aws_sqs_queue",
    demand: "has a dead-letter queue, or is one",
    holds: (queue, stack, name) =>
      isDeadLetterQueue(stack, name) ||
      has("aws_sqs_queue_redrive_policy", "aws_sqs_queue")(queue, stack, name),
  },
  {
    id: "QUEUE_VISIBILITY",
    type: "aws_sqs_queue",
    demand: "hides a message for six time-outs of its consumer and the batch window",
    holds: (queue, stack, name) =>
      consumerTimeouts(stack, name).every((least) => Number(queue.visibility_timeout_seconds) >= least),
  },
  {
    id: "QUEUE_POLICY",
    type: "aws_sqs_queue",
    demand: "has a policy",
    holds: has("aws_sqs_queue_policy", "aws_sqs_queue"),
  },
  {
    id: "CKV_AWS_168",
    type: "aws_sqs_queue_policy",
    demand: "allows nothing to everybody",
    holds: closedToEverybody,
  },
  {
    id: "QUEUE_TLS",
    type: "aws_sqs_queue_policy",
    demand: "refuses whoever comes without TLS",
    holds: demandsTls,
  },
  {
    id: "CKV_AWS_45",
    type: "aws_lambda_function",
    demand: "has no secret among its variables",
    holds: (fn) => !SECRET.test(JSON.stringify(fn.environment)),
  },
  {
    id: "CKV_AWS_50",
    type: "aws_lambda_function",
    demand: "is traced",
    holds: (fn) => JSON.stringify(fn.tracing_config).includes("Active"),
  },
  {
    id: "CKV_AWS_115",
    type: "aws_lambda_function",
    demand: "has a reserved concurrency",
    holds: isSet("reserved_concurrent_executions"),
  },
  {
    id: "CKV_AWS_116",
    type: "aws_lambda_function",
    demand: "has a dead-letter queue of its own",
    holds: isSet("dead_letter_config"),
  },
  { id: "CKV_AWS_117", type: "aws_lambda_function", demand: "is in a VPC", holds: isSet("vpc_config") },
  {
    id: "CKV_AWS_173",
    type: "aws_lambda_function",
    demand: "has its variables encrypted with a key of the account",
    holds: isSet("kms_key_arn"),
  },
  {
    id: "CKV_AWS_272",
    type: "aws_lambda_function",
    demand: "runs signed code only",
    holds: isSet("code_signing_config_arn"),
  },
  {
    id: "CKV_AWS_363",
    type: "aws_lambda_function",
    demand: "has a runtime that AWS still serves",
    holds: (fn) => SERVED_RUNTIMES.includes(String(fn.runtime)),
  },
  {
    id: "SOURCE_PARTIAL",
    type: "aws_lambda_event_source_mapping",
    demand: "keeps only the messages that failed",
    holds: (mapping) => JSON.stringify(mapping.function_response_types).includes("ReportBatchItemFailures"),
  },
  {
    id: "SOURCE_CONCURRENCY",
    type: "aws_lambda_event_source_mapping",
    demand: "has a maximum concurrency",
    holds: isSet("scaling_config"),
  },
  {
    id: "CKV_AWS_301",
    type: "aws_lambda_permission",
    demand: "is for somebody by name",
    holds: (permission) => permission.principal !== "*",
  },
  {
    id: "CKV_AWS_364",
    type: "aws_lambda_permission",
    demand: "names the source that may invoke",
    holds: isSet("source_arn"),
  },
  {
    id: "CKV_AWS_18",
    type: "aws_s3_bucket",
    demand: "has access logs",
    holds: has("aws_s3_bucket_logging", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_19",
    type: "aws_s3_bucket",
    demand: "is encrypted",
    holds: has("aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_20",
    type: "aws_s3_bucket",
    demand: "has no ACL of its own",
    holds: (bucket) => bucket.acl === undefined,
  },
  {
    id: "CKV_AWS_21",
    type: "aws_s3_bucket",
    demand: "keeps versions",
    holds: has("aws_s3_bucket_versioning", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_144",
    type: "aws_s3_bucket",
    demand: "is replicated to another region",
    holds: has("aws_s3_bucket_replication_configuration", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_145",
    type: "aws_s3_bucket",
    demand: "is encrypted with KMS",
    holds: (_, stack) => stack.text.includes('"sse_algorithm":"aws:kms"'),
  },
  {
    id: "CKV2_AWS_6",
    type: "aws_s3_bucket",
    demand: "is closed to the public",
    holds: has("aws_s3_bucket_public_access_block", "aws_s3_bucket"),
  },
  {
    id: "CKV2_AWS_61",
    type: "aws_s3_bucket",
    demand: "has a lifecycle",
    holds: has("aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket"),
  },
  {
    id: "CKV2_AWS_62",
    type: "aws_s3_bucket",
    demand: "tells of its events",
    holds: has("aws_s3_bucket_notification", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_70",
    type: "aws_s3_bucket_policy",
    demand: "allows nothing to everybody",
    holds: closedToEverybody,
  },
  {
    id: "BUCKET_TLS",
    type: "aws_s3_bucket_policy",
    demand: "refuses whoever comes without TLS",
    holds: demandsTls,
  },
  {
    id: "CKV_AWS_53",
    type: "aws_s3_bucket_public_access_block",
    demand: "blocks public ACLs",
    holds: is("block_public_acls", true),
  },
  {
    id: "CKV_AWS_54",
    type: "aws_s3_bucket_public_access_block",
    demand: "blocks public policies",
    holds: is("block_public_policy", true),
  },
  {
    id: "CKV_AWS_55",
    type: "aws_s3_bucket_public_access_block",
    demand: "ignores public ACLs",
    holds: is("ignore_public_acls", true),
  },
  {
    id: "CKV_AWS_56",
    type: "aws_s3_bucket_public_access_block",
    demand: "restricts public buckets",
    holds: is("restrict_public_buckets", true),
  },
  {
    id: "CKV_AWS_300",
    type: "aws_s3_bucket_lifecycle_configuration",
    demand: "ends broken uploads",
    holds: (lifecycle) => JSON.stringify(lifecycle.rule).includes("abort_incomplete_multipart_upload"),
  },
  {
    id: "CKV2_AWS_65",
    type: "aws_s3_bucket_ownership_controls",
    demand: "has no ACLs at all",
    holds: (controls) => JSON.stringify(controls.rule).includes("BucketOwnerEnforced"),
  },
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
    holds: closedToEverybody,
  },
  {
    id: "TOPIC_TLS",
    type: "aws_sns_topic_policy",
    demand: "refuses whoever comes without TLS",
    holds: demandsTls,
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
    demand: "tells somebody, itself or through the composite alarm",
    holds: (alarm, stack, name) =>
      JSON.stringify(alarm.alarm_actions ?? []).includes("aws_sns_topic") ||
      has("aws_cloudwatch_composite_alarm", "aws_cloudwatch_metric_alarm")(alarm, stack, name),
  },
  {
    id: "CKV_AWS_309",
    type: "aws_apigatewayv2_route",
    demand: "asks who is calling",
    holds: (route) => ["AWS_IAM", "JWT"].includes(String(route.authorization_type)),
  },
  {
    id: "CKV_AWS_76",
    type: "aws_apigatewayv2_stage",
    demand: "has access logs",
    holds: isSet("access_log_settings"),
  },
  {
    id: "API_THROTTLE",
    type: "aws_apigatewayv2_stage",
    demand: "is throttled",
    holds: (stage) => JSON.stringify(stage.default_route_settings ?? {}).includes("throttling_rate_limit"),
  },
  { id: "CKV_AWS_60", type: "aws_iam_role", demand: "can be assumed by somebody by name only", holds: trust },
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
    holds: grants(({ Action }) => Action.some((action) => action.includes("*"))),
  },
  {
    id: "CKV_AWS_355",
    type: "aws_iam_role_policy",
    demand: "allows nothing on everything",
    holds: grants(({ Resource = [] }) => Resource.includes("*")),
  },
  {
    id: "POLICY_ONLY_TRACES",
    type: "aws_iam_role_policy",
    demand: "allows on everything only what has no resources: traces",
    holds: grants(
      ({ Resource = [], Action }) =>
        Resource.includes("*") && Action.some((action) => !action.startsWith("xray:Put")),
    ),
  },
  { id: "CKV_AWS_7", type: "aws_kms_key", demand: "is rotated", holds: is("enable_key_rotation", true) },
  { id: "CKV_AWS_33", type: "aws_kms_key", demand: "allows nothing to everybody", holds: closedToEverybody },
  { id: "CKV_AWS_227", type: "aws_kms_key", demand: "is enabled", holds: (key) => key.is_enabled !== false },
  { id: "CKV2_AWS_64", type: "aws_kms_key", demand: "has a policy", holds: isSet("policy") },
];
