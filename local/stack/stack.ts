import { join } from "node:path";
import { z } from "zod";
import { type AlarmSpec, readAlarms } from "../cloudwatch/alarm-specs.ts";
import { type EventRule, readEventRules } from "../eventbridge/event-rules.ts";
import { UserError } from "../user-error.ts";
import { type HttpApiSpec, readHttpApis } from "./http-api-spec.ts";
import { nested, type Terraform } from "./terraform.ts";

/** A queue as the SQS API wants it. */
export interface QueueSpec {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  /** SQS attribute names to values, as `CreateQueue` takes them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface FunctionSpec {
  readonly functionName: string;
  readonly arn: string;
  readonly region: string;
  /** The zip that would be uploaded to AWS. */
  readonly zipFile: string;
  /** `<module>.<export>`, for example `index.handler`. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFormat: "JSON" | "Text";
  /** Most invocations at once; undefined when nothing is reserved. */
  readonly reservedConcurrency: number | undefined;
  /** Whether Lambda lets the function run again and again in one chain of events. */
  readonly mayRecurse: boolean;
}

export interface EventSourceSpec {
  readonly uuid: string;
  readonly enabled: boolean;
  readonly queue: QueueSpec;
  readonly functionName: string;
  /** Most messages in one invocation. */
  readonly batchSize: number;
  /** How long to wait for a fuller batch, in seconds; 0 hands over what one receive brings. */
  readonly batchWindowSeconds: number;
  /** Most invocations at once. */
  readonly maximumConcurrency: number;
  /** Whether the function's `batchItemFailures` count. */
  readonly reportsItemFailures: boolean;
}

export interface BucketSpec {
  readonly name: string;
  /** Whether it keeps what is overwritten or deleted. */
  readonly isVersioned: boolean;
}

/** What the local cloud gives a twin. */
export interface Stack {
  readonly region: string;
  readonly queues: readonly QueueSpec[];
  readonly topicNames: readonly string[];
  readonly buckets: readonly BucketSpec[];
  /** The names of the event buses. */
  readonly eventBuses: readonly string[];
  readonly eventRules: readonly EventRule[];
  readonly functions: readonly FunctionSpec[];
  readonly eventSources: readonly EventSourceSpec[];
  readonly httpApis: readonly HttpApiSpec[];
  readonly alarms: readonly AlarmSpec[];
}

/** Lambda starts a queue with five batches at once when no maximum is set; one machine stays there. */
const DEFAULT_CONCURRENCY = 5;

const queueSchema = z.object({
  name: z.string(),
  arn: z.string(),
  url: z.string(),
  visibility_timeout_seconds: z.number().optional(),
  message_retention_seconds: z.number().optional(),
  delay_seconds: z.number().optional(),
  max_message_size: z.number().optional(),
  receive_wait_time_seconds: z.number().optional(),
  redrive_policy: z.string().optional(),
  redrive_allow_policy: z.string().optional(),
  tags: z.record(z.string(), z.string()).default({}),
});

const sqsAttributeNames = [
  ["visibility_timeout_seconds", "VisibilityTimeout"],
  ["message_retention_seconds", "MessageRetentionPeriod"],
  ["delay_seconds", "DelaySeconds"],
  ["max_message_size", "MaximumMessageSize"],
  ["receive_wait_time_seconds", "ReceiveMessageWaitTimeSeconds"],
  ["redrive_policy", "RedrivePolicy"],
  ["redrive_allow_policy", "RedriveAllowPolicy"],
] as const;

/** A redrive policy that is a resource of its own. */
const attachedPolicySchema = z.object({
  queue_url: z.string(),
  redrive_policy: z.string().optional(),
  redrive_allow_policy: z.string().optional(),
});

const functionSchema = z.object({
  function_name: z.string(),
  arn: z.string(),
  filename: z.string(),
  handler: z.string(),
  timeout: z.number().default(3),
  memory_size: z.number().default(128),
  environment: nested(z.object({ variables: z.record(z.string(), z.coerce.string()) }).optional()),
  logging_config: nested(z.object({ log_format: z.enum(["JSON", "Text"]) }).optional()),
  reserved_concurrent_executions: z.number().optional(),
});

const recursionSchema = z.object({
  function_name: z.string(),
  recursive_loop: z.enum(["Allow", "Terminate"]),
});

const mappingSchema = z.object({
  uuid: z.string(),
  event_source_arn: z.string(),
  function_name: z.string(),
  enabled: z.boolean().default(true),
  batch_size: z.int().min(1).max(10_000).default(10),
  maximum_batching_window_in_seconds: z.int().min(0).max(300).default(0),
  scaling_config: nested(z.object({ maximum_concurrency: z.int().min(2).max(1000) }).optional()),
  function_response_types: z.array(z.string()).default([]),
});

const versioningSchema = z.object({
  bucket: z.string(),
  versioning_configuration: nested(z.object({ status: z.string() })),
});

/** Picks out of the synthesised stack what runs on this machine. */
export function readStack(terraform: Terraform): Stack {
  const buckets = ["aws_s3_bucket", "data.aws_s3_bucket"].flatMap((type) =>
    terraform.resources(type, z.object({ bucket: z.string() })),
  );
  const versioned = terraform
    .resources("aws_s3_bucket_versioning", versioningSchema)
    .flatMap(({ bucket, versioning_configuration }) =>
      versioning_configuration.status === "Enabled" ? [bucket] : [],
    );
  const functions = terraform
    .resources("aws_lambda_function", functionSchema)
    .map((resource) => toFunction(resource, terraform));
  const queues = readQueues(terraform);
  const names = (type: string) =>
    terraform.resources(type, z.object({ name: z.string() })).map(({ name }) => name);
  return {
    region: terraform.region,
    queues,
    topicNames: names("aws_sns_topic"),
    eventBuses: names("aws_cloudwatch_event_bus"),
    eventRules: readEventRules(terraform),
    buckets: buckets.map(({ bucket }) => ({ name: bucket, isVersioned: versioned.includes(bucket) })),
    functions,
    eventSources: readEventSources(terraform, queues, functions),
    httpApis: readHttpApis(terraform, functions),
    alarms: readAlarms(terraform),
  };
}

function readQueues(terraform: Terraform): QueueSpec[] {
  const policies = ["aws_sqs_queue_redrive_policy", "aws_sqs_queue_redrive_allow_policy"].flatMap((type) =>
    terraform.resources(type, attachedPolicySchema),
  );
  return terraform.resources("aws_sqs_queue", queueSchema).map((queue) => {
    const { name, arn, url, tags } = queue;
    const attached = policies.filter(({ queue_url }) => queue_url === url);
    const redrive = attached.find((policy) => policy.redrive_policy) ?? queue;
    const redriveAllow = attached.find((policy) => policy.redrive_allow_policy) ?? queue;
    const settings = {
      ...queue,
      redrive_policy: redrive.redrive_policy,
      redrive_allow_policy: redriveAllow.redrive_allow_policy,
    };
    const attributes = sqsAttributeNames.flatMap(([attribute, sqsName]) =>
      settings[attribute] === undefined ? [] : [[sqsName, String(settings[attribute])]],
    );
    return { name, arn, url, attributes: Object.fromEntries(attributes), tags };
  });
}

function toFunction(resource: z.infer<typeof functionSchema>, terraform: Terraform): FunctionSpec {
  const reserved = resource.reserved_concurrent_executions;
  const recursion = terraform.resources("aws_lambda_function_recursion_config", recursionSchema);
  return {
    functionName: resource.function_name,
    arn: resource.arn,
    region: terraform.region,
    zipFile: join(terraform.directory, resource.filename),
    handler: resource.handler,
    timeoutSeconds: resource.timeout,
    memoryMb: resource.memory_size,
    environment: resource.environment?.variables ?? {},
    logFormat: resource.logging_config?.log_format ?? "Text",
    // Terraform writes "nothing reserved" as -1.
    reservedConcurrency: reserved === undefined || reserved < 0 ? undefined : reserved,
    mayRecurse: recursion.some(
      ({ function_name, recursive_loop }) =>
        function_name === resource.function_name && recursive_loop === "Allow",
    ),
  };
}

function readEventSources(
  terraform: Terraform,
  queues: readonly QueueSpec[],
  functions: readonly FunctionSpec[],
): EventSourceSpec[] {
  return terraform.resources("aws_lambda_event_source_mapping", mappingSchema).map((mapping) => {
    const queue = queues.find(({ arn }) => arn === mapping.event_source_arn);
    if (queue === undefined) {
      throw new UserError(
        `${mapping.address}: no queue of the stack has the ARN ${mapping.event_source_arn}.`,
      );
    }
    const target = functions.find((fn) => [fn.functionName, fn.arn].includes(mapping.function_name));
    if (target === undefined) {
      throw new UserError(`${mapping.address}: the stack has no function ${mapping.function_name}.`);
    }
    return {
      uuid: mapping.uuid,
      enabled: mapping.enabled,
      queue,
      functionName: target.functionName,
      batchSize: mapping.batch_size,
      batchWindowSeconds: mapping.maximum_batching_window_in_seconds,
      maximumConcurrency: mapping.scaling_config?.maximum_concurrency ?? DEFAULT_CONCURRENCY,
      reportsItemFailures: mapping.function_response_types.includes("ReportBatchItemFailures"),
    };
  });
}
