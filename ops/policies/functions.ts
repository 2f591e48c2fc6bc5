import { platforms } from "../../config/platform.ts";
import { companions, isSet, mentions, rulesFor, type StackResources } from "./rule.ts";
import { allowsNone } from "./statements.ts";

const SECRET = /AKIA[0-9A-Z]{16}|-----BEGIN|(?:password|secret|token)"\s*:/i;
const SERVED_RUNTIMES = Object.values(platforms).map(({ node }) => `nodejs${node}.x`);

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

export const functionRules = [
  ...rulesFor("aws_lambda_function", {
    CKV_AWS_45: ["have no secret in its variables", (fn) => !SECRET.test(JSON.stringify(fn.environment))],
    CKV_AWS_50: ["be traced", mentions("tracing_config", "Active")],
    CKV_AWS_115: ["have a reserved concurrency", isSet("reserved_concurrent_executions")],
    CKV_AWS_116: ["have a dead-letter queue of its own", isSet("dead_letter_config")],
    CKV_AWS_117: ["be in a VPC", isSet("vpc_config")],
    CKV_AWS_173: ["encrypt its variables with a key of the account", isSet("kms_key_arn")],
    CKV_AWS_272: ["run signed code only", isSet("code_signing_config_arn")],
    CKV_AWS_363: ["have a supported runtime", (fn) => SERVED_RUNTIMES.includes(String(fn.runtime))],
  }),
  ...rulesFor("aws_lambda_event_source_mapping", {
    SOURCE_PARTIAL: [
      "report failed messages one by one",
      mentions("function_response_types", "ReportBatchItemFailures"),
    ],
    SOURCE_CONCURRENCY: ["have a maximum concurrency", isSet("scaling_config")],
    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    SOURCE_RECURSION: [
      "allow the recursive loop of a function that sends to its own source",
      (source, stack) =>
        senders(source, stack).every((name) =>
          companions(stack, "aws_lambda_function_recursion_config", `aws_lambda_function.${name}`).some(
            ({ recursive_loop: loop }) => loop === "Allow",
          ),
        ),
    ],
  }),
  ...rulesFor("aws_lambda_permission", {
    CKV_AWS_301: ["name its principal", ({ principal }) => principal !== "*"],
    CKV_AWS_364: ["name the source that may invoke", isSet("source_arn")],
  }),
];
