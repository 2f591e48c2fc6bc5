import type { CloudwatchEventBus } from "@cdktf/provider-aws/lib/cloudwatch-event-bus/index.js";
import { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping/index.js";
import { LambdaFunctionRecursionConfig } from "@cdktf/provider-aws/lib/lambda-function-recursion-config/index.js";
import type { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue/index.js";
import { Construct } from "constructs";
import type { ChainedModel } from "../config/derived.ts";
import { consumerName, modelArn } from "../config/names.ts";
import { BundledFunction } from "./bundled-function.ts";
import { allowTelling } from "./event-bus.ts";
import { allowImages, allowRecords, type ImageBucket } from "./image-bucket.ts";
import type { PolicyStatement } from "./policy.ts";
import { allowConsuming } from "./prompt-queue.ts";

export interface ImageProcessorProps {
  readonly suffix: string;
  readonly queue: SqsQueue;
  readonly bucket: ImageBucket;
  readonly bus: CloudwatchEventBus;
  /** The models to try, in this order. */
  readonly modelChain: readonly ChainedModel[];
  /** The number of concurrent invocations. Each paints one picture. */
  readonly maximumConcurrency: number;
  readonly memoryMb: number;
  /** In seconds. */
  readonly timeout: number;
  /** The timeout of one model call, in seconds. */
  readonly modelTimeout: number;
  /** How long a request stays with the invocation that claimed it, in seconds. */
  readonly lease: number;
  /** After this many receives a prompt goes to the dead-letter queue. */
  readonly receiveLimit: number;
  /** The age at which a prompt is given up, in seconds. */
  readonly giveUpAfter: number;
  readonly logRetentionDays: number;
}

/** The consumer: receives prompts, calls the models, and stores the pictures. */
export class ImageProcessor extends Construct {
  readonly function: BundledFunction["function"];
  readonly eventSource: LambdaEventSourceMapping;

  constructor(scope: Construct, id: string, props: ImageProcessorProps) {
    super(scope, id);
    const { suffix, queue, bucket, bus, modelChain } = props;
    this.function = new BundledFunction(this, "consumer", {
      name: consumerName(suffix),
      description: "Paints the prompts on the queue and stores the pictures",
      entry: "functions/consumer/index.ts",
      memoryMb: props.memoryMb,
      timeout: props.timeout,
      logRetentionDays: props.logRetentionDays,
      environment: {
        ENVIRONMENT: suffix,
        IMAGE_BUCKET: bucket.name,
        KEY_PREFIX: bucket.keyPrefix,
        SQS_QUEUE_URL: queue.url,
        EVENT_BUS: bus.name,
        MODEL_CHAIN: JSON.stringify(modelChain),
        MODEL_TIMEOUT_SECONDS: String(props.modelTimeout),
        LEASE_SECONDS: String(props.lease),
        RECEIVE_LIMIT: String(props.receiveLimit),
        GIVE_UP_AFTER_SECONDS: String(props.giveUpAfter),
      },
      permissions: [
        allowConsuming(queue.arn),
        allowTelling(bus.arn),
        allowImages(bucket),
        ...allowRecords(bucket),
        allowModels(modelChain),
      ],
    }).function;
    this.#allowReSending();
    this.eventSource = this.#createEventSource(props);
  }

  /**
   * A prompt that no model takes is re-sent to the queue that it came from. Lambda takes that for a runaway loop, and moves
   * the message to the dead-letter queue after about 16 invocations.
   * https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
   */
  #allowReSending(): void {
    new LambdaFunctionRecursionConfig(this, "recursion", {
      functionName: this.function.functionName,
      recursiveLoop: "Allow",
    });
  }

  #createEventSource({ maximumConcurrency, queue }: ImageProcessorProps): LambdaEventSourceMapping {
    return new LambdaEventSourceMapping(this, "prompts", {
      eventSourceArn: queue.arn,
      functionName: this.function.functionName,
      // One prompt an invocation: in a batch, finished prompts would occupy the concurrency until the slowest one is done.
      batchSize: 1,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency },
      // Only the spend breaker and the client's resume change it: an apply must not restart a stopped consumer.
      lifecycle: { ignoreChanges: ["enabled"] },
    });
  }
}

/** Lets a function call models. */
export function allowModels(models: readonly ChainedModel[]): PolicyStatement {
  return { Sid: "Paint", Effect: "Allow", Action: "bedrock:InvokeModel", Resource: models.map(modelArn) };
}
