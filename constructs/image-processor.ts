import { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping/index.js";
import type { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue/index.js";
import { Construct } from "constructs";
import type { Derived } from "../config/derived.ts";
import { consumerName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { BundledFunction } from "./bundled-function.ts";
import type { ImageBucket } from "./image-bucket.ts";
import { type PolicyStatement, permissionToKnowWhatIsMissing } from "./policy.ts";

export interface ImageProcessorProps {
  readonly settings: Settings;
  readonly derived: Derived;
  readonly queue: SqsQueue;
  readonly bucket: ImageBucket;
}

/** The consumer: takes prompts off the queue, has them painted, stores the pictures. */
export class ImageProcessor extends Construct {
  readonly function: BundledFunction["function"];
  readonly eventSource: LambdaEventSourceMapping;

  constructor(scope: Construct, id: string, props: ImageProcessorProps) {
    super(scope, id);
    const { settings, derived, queue, bucket } = props;
    const { consumer } = settings;
    this.function = new BundledFunction(this, "consumer", {
      name: consumerName(settings.suffix),
      description: "Paints the prompts on the queue and stores the pictures",
      entry: "functions/consumer/index.ts",
      memoryMb: consumer.memoryMb,
      timeout: consumer.timeoutSeconds,
      logRetentionDays: settings.logRetentionDays,
      environment: {
        ENVIRONMENT: settings.suffix,
        IMAGE_BUCKET: bucket.name,
        KEY_PREFIX: bucket.keyPrefix,
        SQS_QUEUE_URL: queue.url,
        MODEL_CHAIN: JSON.stringify(derived.modelChain),
        MODEL_TIMEOUT_SECONDS: String(consumer.modelTimeoutSeconds),
        LEASE_SECONDS: String(derived.leaseSeconds),
        RECEIVE_LIMIT: String(consumer.receiveLimit),
        GIVE_UP_AFTER_SECONDS: String(derived.promptRetentionSeconds),
      },
      permissions: [
        ...permissionsOnQueue(queue),
        ...permissionsOnBucket(bucket),
        permissionOnModels(derived),
      ],
    }).function;
    this.eventSource = this.#createEventSource(props);
  }

  #createEventSource({ derived, queue }: ImageProcessorProps): LambdaEventSourceMapping {
    return new LambdaEventSourceMapping(this, "prompts", {
      eventSourceArn: queue.arn,
      functionName: this.function.functionName,
      // One prompt an invocation: in a batch, the finished ones would keep their places until the slowest one is done.
      batchSize: 1,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: derived.maximumConcurrency },
      // Only the spend breaker and whoever resumes change it: an apply must not start again what ran away.
      lifecycle: { ignoreChanges: ["enabled"] },
    });
  }
}

function permissionsOnQueue(queue: SqsQueue): PolicyStatement[] {
  return [
    {
      Sid: "Consume",
      Effect: "Allow",
      Action: [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ChangeMessageVisibility",
        // Sends a prompt that nothing could be tried for again, so that its receive count starts anew.
        "sqs:SendMessage",
      ],
      Resource: queue.arn,
    },
  ];
}

function permissionsOnBucket({ arn, keyPrefix }: ImageBucket): PolicyStatement[] {
  return [
    {
      Sid: "ReadAndWrite",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject"],
      Resource: [`${arn}/${keyPrefix}images/*`, `${arn}/${keyPrefix}requests/*`],
    },
    permissionToKnowWhatIsMissing(arn),
  ];
}

function permissionOnModels({ modelChain }: Derived): PolicyStatement {
  return {
    Sid: "Paint",
    Effect: "Allow",
    Action: "bedrock:InvokeModel",
    Resource: modelChain.map(({ id, region }) => `arn:aws:bedrock:${region}::foundation-model/${id}`),
  };
}
