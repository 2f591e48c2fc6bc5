import { companions, isSet, mentions, type PolicyRule, type StackResources } from "./rule.ts";
import { allowsNone } from "./statements.ts";

const SECRET = /AKIA[0-9A-Z]{16}|-----BEGIN|(?:password|secret|token)"\s*:/i;
const SERVED_RUNTIMES = ["nodejs22.x", "nodejs24.x"];

/** The functions that an event source invokes and that may send to it. */
function senders(source: Readonly<Record<string, unknown>>, stack: StackResources): string[] {
  const queue = String(source.event_source_arn);
  const sendsNothing = allowsNone(
    ({ Action, Resource = [] }) => Action.includes("sqs:SendMessage") && Resource.includes(queue),
  );
  return Object.entries(stack.resources("aws_lambda_function")).flatMap(([name, { role }]) => {
    const [, roleName] = /\{aws_iam_role\.([\w-]+)\./.exec(String(role)) ?? [];
    const policies = companions(stack, "aws_iam_role_policy", `aws_iam_role.${roleName}`);
    const isInvoked = String(source.function_name).includes(`{aws_lambda_function.${name}.`);
    return isInvoked && !policies.every((policy) => sendsNothing(policy, stack, name)) ? [name] : [];
  });
}

export const functionRules: readonly PolicyRule[] = [
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
    holds: mentions("tracing_config", "Active"),
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
    holds: mentions("function_response_types", "ReportBatchItemFailures"),
  },
  {
    id: "SOURCE_CONCURRENCY",
    type: "aws_lambda_event_source_mapping",
    demand: "has a maximum concurrency",
    holds: isSet("scaling_config"),
  },
  {
    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    id: "SOURCE_RECURSION",
    type: "aws_lambda_event_source_mapping",
    demand: "lets a function that sends to its own source do so for more than 16 invocations",
    holds: (source, stack) =>
      senders(source, stack).every((name) =>
        companions(stack, "aws_lambda_function_recursion_config", `aws_lambda_function.${name}`).some(
          ({ recursive_loop: loop }) => loop === "Allow",
        ),
      ),
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
];
