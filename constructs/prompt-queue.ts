import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue/index.js";
import { SqsQueuePolicy } from "@cdktf/provider-aws/lib/sqs-queue-policy/index.js";
import { SqsQueueRedriveAllowPolicy } from "@cdktf/provider-aws/lib/sqs-queue-redrive-allow-policy/index.js";
import { SqsQueueRedrivePolicy } from "@cdktf/provider-aws/lib/sqs-queue-redrive-policy/index.js";
import { Fn, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { deadLetterQueueName, queueName } from "../config/names.ts";
import type { ImageBucket } from "./image-bucket.ts";
import { denyWithoutTls, type PolicyStatement, policyJson } from "./policy.ts";

export interface PromptQueueProps {
  readonly suffix: string;
  /** In seconds. */
  readonly visibilityTimeout: number;
  /** In seconds. */
  readonly retention: number;
  /** Of the dead-letter queue, in seconds. */
  readonly deadLetterRetention: number;
  /** After this many receives a prompt goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** The queue carries it as tags, so that a client needs the URL of the queue only. */
  readonly bucket: ImageBucket;
}

/** The queue of prompts and its dead-letter queue. */
export class PromptQueue extends Construct {
  readonly queue: SqsQueue;
  readonly deadLetterQueue: SqsQueue;

  constructor(scope: Construct, id: string, props: PromptQueueProps) {
    super(scope, id);
    this.deadLetterQueue = new SqsQueue(this, "dead-letters", {
      name: deadLetterQueueName(props.suffix),
      messageRetentionSeconds: props.deadLetterRetention,
      sqsManagedSseEnabled: true,
    });
    this.queue = new SqsQueue(this, "prompts", {
      name: queueName(props.suffix),
      visibilityTimeoutSeconds: props.visibilityTimeout,
      messageRetentionSeconds: props.retention,
      sqsManagedSseEnabled: true,
      tags: { ImageBucket: props.bucket.name, KeyPrefix: props.bucket.keyPrefix },
    });
    this.#createRedrive(props.maxReceiveCount);
    this.#createPolicy("prompts-policy", this.queue);
    this.#createPolicy("dead-letters-policy", this.deadLetterQueue);
  }

  // Resources of their own: as attributes of the queues they would be a circular reference. Terraform writes their JSON:
  // the provider reports a change if AWS has other blanks.
  #createRedrive(maxReceiveCount: number): void {
    const redrive = new TerraformLocal(this, "redrive-rule", {
      deadLetterTargetArn: this.deadLetterQueue.arn,
      maxReceiveCount,
    });
    new SqsQueueRedrivePolicy(this, "redrive", {
      queueUrl: this.queue.url,
      redrivePolicy: Fn.jsonencode(redrive.expression),
    });
    const redriveAllow = new TerraformLocal(this, "redrive-allow-rule", {
      redrivePermission: "byQueue",
      sourceQueueArns: [this.queue.arn],
    });
    new SqsQueueRedriveAllowPolicy(this, "redrive-allow", {
      queueUrl: this.deadLetterQueue.url,
      redriveAllowPolicy: Fn.jsonencode(redriveAllow.expression),
    });
  }

  #createPolicy(id: string, queue: SqsQueue): void {
    new SqsQueuePolicy(this, id, {
      queueUrl: queue.url,
      policy: policyJson([denyWithoutTls("sqs:*", queue.arn)]),
    });
  }
}

/** Lets a function send prompts and read how many wait. */
export function allowSending(queueArn: string): PolicyStatement {
  return {
    Sid: "Send",
    Effect: "Allow",
    Action: ["sqs:SendMessage", "sqs:GetQueueAttributes"],
    Resource: queueArn,
  };
}

/** Lets a function consume prompts. */
export function allowConsuming(queueArn: string): PolicyStatement {
  return {
    Sid: "Consume",
    Effect: "Allow",
    Action: [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ChangeMessageVisibility",
      // To re-send a prompt that no model could take, so that its receive count restarts.
      "sqs:SendMessage",
    ],
    Resource: queueArn,
  };
}
