import { CloudwatchEventBus } from "@cdktf/provider-aws/lib/cloudwatch-event-bus/index.js";
import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { Aspects, TerraformOutput, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { derive } from "../config/derived.ts";
import { boundaryArn, eventBusName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { connectToAws, keepState } from "./account.ts";
import { HttpApi } from "./http-api.ts";
import { createImageBucket, type ImageBucket, readImageBucket } from "./image-bucket.ts";
import { ImageProcessor } from "./image-processor.ts";
import { Monitoring } from "./monitoring/monitoring.ts";
import { PromptQueue } from "./prompt-queue.ts";
import { Webhooks } from "./webhooks.ts";

/** One environment of the pipeline. */
export class PipelineStack extends TerraformStack {
  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const { suffix, consumer, logRetentionDays } = settings;
    const derived = derive(settings);
    connectToAws(this, settings, suffix);
    keepState(this, settings.state);
    this.#boundRoles(settings);
    const bucket = this.#createImageBucket(settings);
    const { queue, deadLetterQueue } = new PromptQueue(this, "queue", {
      suffix,
      visibilityTimeout: derived.visibilityTimeoutSeconds,
      retention: derived.promptRetentionSeconds,
      deadLetterRetention: derived.deadLetterRetentionSeconds,
      maxReceiveCount: consumer.receiveLimit,
      bucket,
    });
    const bus = new CloudwatchEventBus(this, "events", { name: eventBusName(suffix) });
    const processor = new ImageProcessor(this, "processor", {
      ...{ suffix, logRetentionDays, queue, bucket, bus },
      modelChain: derived.modelChain,
      maximumConcurrency: derived.maximumConcurrency,
      memoryMb: consumer.memoryMb,
      timeout: consumer.timeoutSeconds,
      modelTimeout: consumer.modelTimeoutSeconds,
      lease: derived.leaseSeconds,
      receiveLimit: consumer.receiveLimit,
      giveUpAfter: derived.promptRetentionSeconds,
    });
    const api = new HttpApi(this, "api", {
      ...{ suffix, logRetentionDays, queue, bucket, bus },
      access: settings.api,
      picturesAtOnce: derived.maximumConcurrency,
      picturesDays: settings.retention.picturesDays,
      reservedConcurrency: derived.apiConcurrency,
    });
    const { webhooks } = settings;
    const undelivered =
      webhooks.length > 0
        ? new Webhooks(this, "webhooks", {
            ...{ suffix, bus, webhooks },
            deadLetterRetention: derived.deadLetterRetentionSeconds,
          }).deadLetterQueue
        : undefined;
    new Monitoring(this, "monitoring", {
      settings,
      derived,
      queueName: queue.name,
      deadLetterQueueName: deadLetterQueue.name,
      webhookDeadLetterQueueName: undelivered?.name,
      consumer: processor.function,
      eventSource: processor.eventSource,
      api,
    });
    this.#createOutput("sqs_queue_url", "Where to send prompts", queue.url);
    this.#createOutput("api_url", "The HTTP endpoint", api.url);
    this.#createOutput("image_bucket", "Where pictures and records are", bucket.name);
    this.#createOutput("event_bus", "Where each final state is an event", bus.arn);
    this.#createOutput("lambda_function_name", "The consumer", processor.function.functionName);
  }

  #createImageBucket(settings: Settings): ImageBucket {
    const { imageBucket } = settings;
    return imageBucket.kind === "new"
      ? createImageBucket(this, "images", settings)
      : readImageBucket(this, "images", imageBucket.name, imageBucket);
  }

  /** The apply role may only create roles with this permissions boundary. */
  #boundRoles(settings: Settings): void {
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    Aspects.of(this).add({
      visit(node) {
        if (node instanceof IamRole) node.permissionsBoundary = boundaryArn(settings, accountId);
      },
    });
  }

  #createOutput(name: string, description: string, value: string): void {
    new TerraformOutput(this, name, { description, value, staticId: true });
  }
}
