/** What it means for people when a resource is destroyed or replaced. */
export interface Consequence {
  /** Whether something is lost that nothing can make again. */
  readonly losesData: boolean;
  readonly why: string;
}

export const consequences: Readonly<Record<string, Consequence>> = {
  aws_s3_bucket: { losesData: true, why: "the pictures and records in it are lost" },
  aws_sqs_queue: { losesData: true, why: "the messages in it are lost, and clients have the old address" },
  aws_cloudwatch_log_group: { losesData: true, why: "the log in it is lost" },
  aws_lambda_event_source_mapping: {
    losesData: false,
    why: "no prompt is painted until it is there again; prompts wait in the queue",
  },
  aws_lambda_function: {
    losesData: false,
    why: "no prompt is painted until it is there again; prompts wait in the queue",
  },
  aws_sns_topic_subscription: { losesData: false, why: "its owner must confirm the new one by e-mail" },
};

/**
 * US dollars a month for being there, used or not, in eu-west-1. What is not here costs nothing while nobody uses it.
 * https://aws.amazon.com/cloudwatch/pricing/ https://aws.amazon.com/kms/pricing/
 */
export const monthlyUsd: Readonly<Record<string, number>> = {
  aws_cloudwatch_metric_alarm: 0.1,
  aws_cloudwatch_dashboard: 3,
  aws_kms_key: 1,
};
