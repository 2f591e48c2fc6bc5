import { z } from "zod";

/** What is lost for good with a resource that is destroyed or replaced, by its type. */
export const dataLosses: Readonly<Record<string, string>> = {
  aws_s3_bucket: "the pictures and records in it are lost",
  aws_sqs_queue: "the messages in it are lost, and clients have the old address",
  aws_cloudwatch_log_group: "the log in it is lost",
  aws_apigatewayv2_api: "its address is lost: every caller needs the new one",
};

const NO_API = "the API does not answer until it is back";
const NO_RIGHTS = "its function has no permissions until it is back; prompts wait in the queue";
const NO_ALARMS = "nobody is notified of alarms until it is back";
const NO_WEBHOOK = "the webhook is told of nothing until it is back";
const UNPROTECTED = "the resource that it belongs to is less protected until it is back";

/** What does not work while a resource is missing, for the types whose resources hold no data. */
export const outages: Readonly<Record<string, string>> = {
  aws_s3_bucket_lifecycle_configuration: "old versions are kept, and paid for, until it is back",
  aws_s3_bucket_ownership_controls: UNPROTECTED,
  aws_s3_bucket_policy: UNPROTECTED,
  aws_s3_bucket_public_access_block: UNPROTECTED,
  aws_s3_bucket_server_side_encryption_configuration: "S3 encrypts with its default key until it is back",
  aws_s3_bucket_versioning: "what is overwritten or deleted meanwhile cannot be restored",
  aws_sqs_queue_policy: UNPROTECTED,
  aws_sqs_queue_redrive_policy: "prompts that cannot be painted stay in the queue until it is back",
  aws_sqs_queue_redrive_allow_policy: UNPROTECTED,
  aws_lambda_event_source_mapping: "no prompt is painted until it is back; prompts wait in the queue",
  aws_lambda_function: "it does not run until it is back; prompts wait in the queue",
  aws_lambda_function_recursion_config:
    "Lambda moves prompts that were re-sent too often to the dead-letter queue until it is back",
  aws_lambda_permission: "its function is not invoked until it is back",
  aws_iam_role: NO_RIGHTS,
  aws_iam_role_policy: NO_RIGHTS,
  aws_apigatewayv2_authorizer: NO_API,
  aws_apigatewayv2_integration: NO_API,
  aws_apigatewayv2_route: NO_API,
  aws_apigatewayv2_stage: NO_API,
  aws_cloudwatch_metric_alarm: NO_ALARMS,
  aws_cloudwatch_event_bus: "nobody is told of finished requests, and the rules on it are lost",
  aws_cloudwatch_event_rule: NO_WEBHOOK,
  aws_cloudwatch_event_target: NO_WEBHOOK,
  aws_cloudwatch_event_connection:
    "its secret is lost: events wait for a new one, for a day, then go to the dead-letter queue",
  aws_cloudwatch_event_api_destination: NO_WEBHOOK,
  aws_cloudwatch_dashboard: "it cannot be opened until it is back",
  aws_sns_topic: "nobody is notified of alarms until its subscribers have confirmed the new one by e-mail",
  aws_sns_topic_policy: NO_ALARMS,
  aws_sns_topic_subscription: "its owner must confirm the new one by e-mail",
};

/** What a plan says of a type that is in neither table. */
export const UNKNOWN_CONSEQUENCE = "the consequence is not known: add the type to ops/consequences.ts";

const METRIC_USD = 0.1;
const fixedUsd: Readonly<Record<string, number>> = { aws_cloudwatch_dashboard: 3 };
const metricMath = z.object({ metric_query: z.array(z.object({ metric: z.array(z.unknown()) })).min(1) });

/**
 * The fixed cost of a resource in US dollars a month, in eu-west-1; 0 for types that cost nothing while nobody uses them.
 * An alarm costs its price for each metric that its expression reads.
 * https://aws.amazon.com/cloudwatch/pricing/
 * @param attributes as Terraform plans them; null for a resource that does not exist
 */
export function monthlyUsd(type: string, attributes: Readonly<Record<string, unknown>> | null): number {
  if (attributes === null) return 0;
  if (type !== "aws_cloudwatch_metric_alarm") return fixedUsd[type] ?? 0;
  const { data } = metricMath.safeParse(attributes);
  return METRIC_USD * (data?.metric_query.filter(({ metric }) => metric.length > 0).length ?? 1);
}
