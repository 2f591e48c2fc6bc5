import { AwsProvider } from "@cdktf/provider-aws/lib/provider/index.js";
import { S3Backend, type S3BackendConfig, TerraformOutput, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { derive } from "../config/derived.ts";
import type { Settings } from "../config/settings.ts";
import { existingImageBucket, type ImageBucket, newImageBucket } from "./image-bucket.ts";
import { ImageProcessor } from "./image-processor.ts";
import { Monitoring } from "./monitoring/monitoring.ts";
import { PromptQueue } from "./prompt-queue.ts";

/** One environment of the pipeline: prompts in, pictures out. */
export class PipelineStack extends TerraformStack {
  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const derived = derive(settings);
    this.#createProvider(settings);
    this.#createBackend(settings);
    const { queue, deadLetterQueue } = new PromptQueue(this, "queue", {
      suffix: settings.suffix,
      visibilityTimeout: derived.visibilityTimeoutSeconds,
      retention: derived.promptRetentionSeconds,
      deadLetterRetention: derived.deadLetterRetentionSeconds,
      maxReceiveCount: settings.consumer.receiveLimit,
    });
    const bucket = this.#createImageBucket(settings);
    const processor = new ImageProcessor(this, "processor", { settings, derived, queue, bucket });
    new Monitoring(this, "monitoring", {
      settings,
      derived,
      queueName: queue.name,
      deadLetterQueueName: deadLetterQueue.name,
      consumer: processor.function,
      eventSource: processor.eventSource,
    });
    this.#createOutput("sqs_queue_url", "Where to send prompts", queue.url);
    this.#createOutput("image_bucket", "Where pictures and records are", bucket.name);
    this.#createOutput("lambda_function_name", "The consumer", processor.function.functionName);
  }

  #createProvider({ region, accountId, suffix }: Settings): void {
    new AwsProvider(this, "aws", {
      region,
      ...(accountId !== undefined && { allowedAccountIds: [accountId] }),
      defaultTags: [{ tags: { Project: "couch-explorers", Environment: suffix } }],
    });
  }

  #createBackend({ state }: Settings): void {
    // `use_lockfile` is not among cdktf's types; what it does not know it passes on to Terraform as it is.
    const config: S3BackendConfig & { readonly use_lockfile: boolean } = {
      ...state,
      encrypt: true,
      use_lockfile: true,
    };
    new S3Backend(this, config);
    // The first version in which S3's own lock is not experimental any more.
    this.addOverride("terraform.required_version", ">= 1.11");
  }

  #createImageBucket({ imageBucket }: Settings): ImageBucket {
    return imageBucket.kind === "new"
      ? newImageBucket(this, "images", imageBucket.name)
      : existingImageBucket(this, "images", imageBucket.name, imageBucket.keyPrefix);
  }

  #createOutput(name: string, description: string, value: string): void {
    new TerraformOutput(this, name, { description, value, staticId: true });
  }
}
