import { has, type Predicate, rulesFor, type StackResources } from "./rule.ts";
import { allowsNone, closedTo, closedToEverybody, requiresTls } from "./statements.ts";

const isDeadLetterQueue: Predicate = (...queue) =>
  ["aws_sqs_queue_redrive_allow_policy", "aws_cloudwatch_event_target"].some((of) => has(of)(...queue)) &&
  !has("aws_lambda_event_source_mapping")(...queue);

/** The least visibility timeout of a queue, in seconds, for each function that consumes it. */
function leastVisibilities(stack: StackResources, queue: string): number[] {
  return Object.values(stack.resources("aws_lambda_event_source_mapping"))
    .filter((mapping) => String(mapping.event_source_arn).includes(`\${${queue}.`))
    .flatMap((mapping) =>
      Object.entries(stack.resources("aws_lambda_function"))
        .filter(([name]) => String(mapping.function_name).includes(`.${name}.`))
        .map(([, fn]) => 6 * Number(fn.timeout) + Number(mapping.maximum_batching_window_in_seconds ?? 0)),
    );
}

export const queueRules = [
  ...rulesFor("aws_sqs_queue", {
    CKV_AWS_27: [
      "be encrypted",
      (queue) => queue.sqs_managed_sse_enabled === true || queue.kms_master_key_id !== undefined,
    ],
    QUEUE_REDRIVE: [
      "have a dead-letter queue, or be one",
      (...queue) => isDeadLetterQueue(...queue) || has("aws_sqs_queue_redrive_policy")(...queue),
    ],
    QUEUE_VISIBILITY: [
      "have a visibility timeout of at least six time-outs of its consumer, plus the batch window",
      (queue, stack, address) =>
        leastVisibilities(stack, address).every((least) => Number(queue.visibility_timeout_seconds) >= least),
    ],
    QUEUE_POLICY: ["have a policy", has("aws_sqs_queue_policy")],
    CKV_AWS_168: ["have its policy in a resource of its own", (queue) => queue.policy === undefined],
  }),
  ...rulesFor("aws_sqs_queue_policy", {
    CKV_AWS_168: ["allow nothing to everybody", closedToEverybody()],
    CKV_AWS_72: [
      "name each action that it allows",
      allowsNone(({ Action }) => Action.some((action) => action.includes("*"))),
    ],
    CKV_AWS_387: ["name each principal that it allows", closedTo((principal) => principal.includes("*"))],
    QUEUE_TLS: ["deny requests without TLS", requiresTls("sqs:*")],
  }),
];
