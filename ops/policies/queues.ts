import { has, type PolicyRule, type StackResources } from "./rule.ts";
import { allowsNone, closedTo, closedToEverybody, demandsTls } from "./statements.ts";

function isDeadLetterQueue(stack: StackResources, name: string): boolean {
  return (
    has("aws_sqs_queue_redrive_allow_policy", "aws_sqs_queue")({}, stack, name) &&
    !has("aws_lambda_event_source_mapping", "aws_sqs_queue")({}, stack, name)
  );
}

/** What a queue's visibility timeout has to be at least, in seconds, for each function that consumes it. */
function leastVisibilities(stack: StackResources, queue: string): number[] {
  return Object.values(stack.resources("aws_lambda_event_source_mapping"))
    .filter((mapping) => String(mapping.event_source_arn).includes(`.${queue}.`))
    .flatMap((mapping) =>
      Object.entries(stack.resources("aws_lambda_function"))
        .filter(([name]) => String(mapping.function_name).includes(`.${name}.`))
        .map(([, fn]) => 6 * Number(fn.timeout) + Number(mapping.maximum_batching_window_in_seconds ?? 0)),
    );
}

export const queueRules: readonly PolicyRule[] = [
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
      leastVisibilities(stack, name).every((least) => Number(queue.visibility_timeout_seconds) >= least),
  },
  {
    id: "QUEUE_POLICY",
    type: "aws_sqs_queue",
    demand: "has a policy",
    holds: has("aws_sqs_queue_policy", "aws_sqs_queue"),
  },
  {
    id: "CKV_AWS_168",
    type: "aws_sqs_queue",
    demand: "leaves its policy to a resource of its own",
    holds: (queue) => queue.policy === undefined,
  },
  {
    id: "CKV_AWS_168",
    type: "aws_sqs_queue_policy",
    demand: "allows nothing to everybody",
    holds: closedToEverybody(),
  },
  {
    id: "CKV_AWS_72",
    type: "aws_sqs_queue_policy",
    demand: "allows actions by name only",
    holds: allowsNone(({ Action }) => Action.some((action) => action.includes("*"))),
  },
  {
    id: "CKV_AWS_387",
    type: "aws_sqs_queue_policy",
    demand: "allows something to somebody by name only",
    holds: closedTo((principal) => principal.includes("*")),
  },
  {
    id: "QUEUE_TLS",
    type: "aws_sqs_queue_policy",
    demand: "refuses whoever comes without TLS",
    holds: demandsTls("sqs:*"),
  },
];
