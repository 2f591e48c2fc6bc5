import { z } from "zod";

/** What it means for people when a resource is destroyed or replaced. */
export interface Consequence {
  /** Whether something is lost that nothing can make again. */
  readonly losesData: boolean;
  readonly why: string;
}

function lost(why: string): Consequence {
  return { losesData: true, why };
}

function harmless(why: string): Consequence {
  return { losesData: false, why };
}

const noApi = harmless("the API does not answer until it is there again");
const noRights = harmless("its function may do nothing until it is there again; prompts wait in the queue");
const noAlarms = harmless("nobody is told of trouble until it is there again");
const unprotected = harmless("it is less protected until it is there again");

/** For each type of resource that the pipeline may have. */
export const consequences: Readonly<Record<string, Consequence>> = {
  aws_s3_bucket: lost("the pictures and records in it are lost"),
  aws_s3_bucket_lifecycle_configuration: harmless(
    "old versions are kept, and paid for, until it is there again",
  ),
  aws_s3_bucket_ownership_controls: unprotected,
  aws_s3_bucket_policy: unprotected,
  aws_s3_bucket_public_access_block: unprotected,
  aws_s3_bucket_server_side_encryption_configuration: harmless("AWS encrypts with its own choice of key"),
  aws_s3_bucket_versioning: harmless("what is overwritten or deleted meanwhile cannot be brought back"),
  aws_sqs_queue: lost("the messages in it are lost, and clients have the old address"),
  aws_sqs_queue_policy: unprotected,
  aws_sqs_queue_redrive_policy: harmless("what cannot be painted comes back until it is there again"),
  aws_sqs_queue_redrive_allow_policy: unprotected,
  aws_cloudwatch_log_group: lost("the log in it is lost"),
  aws_lambda_event_source_mapping: harmless(
    "no prompt is painted until it is there again; prompts wait in the queue",
  ),
  aws_lambda_function: harmless("it does not run until it is there again; prompts wait in the queue"),
  aws_lambda_function_recursion_config: harmless(
    "Lambda drops prompts that were re-sent too often into the dead-letter queue until it is there again",
  ),
  aws_lambda_permission: harmless("its function is not called until it is there again"),
  aws_iam_role: noRights,
  aws_iam_role_policy: noRights,
  aws_apigatewayv2_api: lost("its address is lost: every caller needs the new one"),
  aws_apigatewayv2_authorizer: noApi,
  aws_apigatewayv2_integration: noApi,
  aws_apigatewayv2_route: noApi,
  aws_apigatewayv2_stage: noApi,
  aws_cloudwatch_metric_alarm: noAlarms,
  aws_cloudwatch_dashboard: harmless("nobody sees it until it is there again"),
  aws_sns_topic: harmless(
    "nobody is told of trouble until its subscribers have confirmed the new one by e-mail",
  ),
  aws_sns_topic_policy: noAlarms,
  aws_sns_topic_subscription: harmless("its owner must confirm the new one by e-mail"),
  aws_kms_key: harmless("nobody is told of trouble until its topics use another key"),
};

/** What is said of a type that is not in the table. */
export const UNJUDGED = "nobody has judged yet what that means: add its type to ops/consequences.ts";

const METRIC_USD = 0.1;
const fixedUsd: Readonly<Record<string, number>> = {
  aws_cloudwatch_dashboard: 3,
  aws_kms_key: 1,
};
const metricMath = z.object({ metric_query: z.array(z.object({ metric: z.array(z.unknown()) })).min(1) });

/**
 * US dollars a month for being there, used or not, in eu-west-1. A type that is not priced here costs nothing while
 * nobody uses it. An alarm costs its price for each metric that its expression reads.
 * https://aws.amazon.com/cloudwatch/pricing/ https://aws.amazon.com/kms/pricing/
 * @param attributes as Terraform plans them; null where the resource is not there
 */
export function monthlyUsd(type: string, attributes: Readonly<Record<string, unknown>> | null): number {
  if (attributes === null) return 0;
  if (type !== "aws_cloudwatch_metric_alarm") return fixedUsd[type] ?? 0;
  const { data } = metricMath.safeParse(attributes);
  return METRIC_USD * (data?.metric_query.filter(({ metric }) => metric.length > 0).length ?? 1);
}
