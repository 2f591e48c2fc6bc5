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
  /** How long an unpainted prompt is kept, in seconds. */
  readonly retention: number;
  /** How long the dead-letter queue keeps a prompt, in seconds. */
  readonly deadLetterRetention: number;
  /** After this many receives a prompt goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** Where the pictures go: as tags on the queue, so that its URL is all that a client has to know. */
  readonly bucket: ImageBucket;
}

/** The queue of prompts, and the queue of those that could not be painted. */
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

  // Two resources of their own: as attributes of the queues they would refer to each other in a circle. Terraform writes
  // their JSON: the provider takes it for a change where AWS has other blanks.
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

/** Lets a function send prompts, and see how many wait. */
export function allowSending(queueArn: string): PolicyStatement {
  return {
    Sid: "Send",
    Effect: "Allow",
    Action: ["sqs:SendMessage", "sqs:GetQueueAttributes"],
    Resource: queueArn,
  };
}

/** Lets a function take prompts off the queue. */
export function allowConsuming(queueArn: string): PolicyStatement {
  return {
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
    Resource: queueArn,
  };
}
