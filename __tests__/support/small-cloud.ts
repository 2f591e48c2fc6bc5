// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform references look like this
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { onTestFinished } from "vitest";
import { type Cloud, type CloudOptions, startCloud } from "../../local/cloud.ts";

/** A stack with one function behind one queue. */
export interface SmallStack {
  /** Source of index.mjs. */
  readonly code: string;
  readonly fn?: Readonly<Record<string, unknown>>;
  readonly mapping?: Readonly<Record<string, unknown>>;
  readonly queue?: Readonly<Record<string, unknown>>;
  readonly maxReceiveCount?: number;
  /** Further resources, by type. */
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly options?: Partial<CloudOptions>;
}

/** A cloud with one queue, its dead-letter queue, a bucket, and one function fed from the queue. */
export async function smallCloud({
  code,
  fn,
  mapping,
  queue,
  maxReceiveCount = 5,
  resources = {},
  options = {},
}: SmallStack): Promise<Cloud> {
  const stackDir = await mkdtemp(join(tmpdir(), "small-cloud-"));
  onTestFinished(() => rm(stackDir, { recursive: true, force: true }));
  await writeFile(join(stackDir, "code.zip"), zipSync({ "index.mjs": strToU8(code) }));
  const stack = {
    provider: { aws: [{ region: "eu-west-1" }] },
    resource: {
      aws_s3_bucket: { images: { bucket: "images" } },
      aws_sqs_queue: {
        dead: { name: "prompts-dlq" },
        prompts: {
          name: "prompts",
          redrive_policy: JSON.stringify({
            deadLetterTargetArn: "${aws_sqs_queue.dead.arn}",
            maxReceiveCount,
          }),
          ...queue,
        },
      },
      aws_lambda_function: {
        worker: {
          function_name: "worker",
          filename: "code.zip",
          handler: "index.handler",
          timeout: 5,
          memory_size: 128,
          environment: { variables: { BUCKET: "${aws_s3_bucket.images.id}" } },
          logging_config: [{ log_format: "JSON" }],
          ...fn,
        },
      },
      aws_lambda_event_source_mapping: {
        prompts: {
          event_source_arn: "${aws_sqs_queue.prompts.arn}",
          function_name: "${aws_lambda_function.worker.arn}",
          function_response_types: ["ReportBatchItemFailures"],
          ...mapping,
        },
      },
      ...resources,
    },
    output: {
      sqs_queue_url: { value: "${aws_sqs_queue.prompts.url}" },
      lambda_function_name: { value: "${aws_lambda_function.worker.function_name}" },
      image_bucket: { value: "${aws_s3_bucket.images.bucket}" },
    },
  };
  await writeFile(join(stackDir, "cdk.tf.json"), JSON.stringify(stack));
  const cloud = await startCloud({ stackDir, port: 0, graceMs: 0, ...options });
  onTestFinished(() => cloud.stop());
  return cloud;
}
