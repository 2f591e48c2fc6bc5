import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import pLimit from "p-limit";
import { isReceived, toRecord } from "../lambda/event-source.ts";

/** Most messages that SQS hands out in one call. */
const SQS_BATCH = 10;
const CALLS_AT_ONCE = 8;

export interface PromptQueueOptions {
  readonly sqs: SQSClient;
  readonly url: string;
  /** Of the queue that the function's event source would poll. */
  readonly arn: string;
  readonly region: string;
}

/** A queue, as who delivers sees it. */
export class PromptQueue {
  readonly #options: PromptQueueOptions;

  constructor(options: PromptQueueOptions) {
    this.#options = options;
  }

  /** Sends messages and returns their ids, in the same order. */
  send(bodies: readonly string[]): Promise<string[]> {
    const { sqs, url } = this.#options;
    const limit = pLimit(CALLS_AT_ONCE);
    return limit.map(bodies, async (body) => {
      const { MessageId = "" } = await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
      return MessageId;
    });
  }

  /** Takes what is visible, up to a number of messages. */
  async receive(most: number): Promise<SQSRecord[]> {
    const { sqs, url, arn, region } = this.#options;
    const records: SQSRecord[] = [];
    while (records.length < most) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: SQS_BATCH,
          MessageSystemAttributeNames: ["All"],
          MessageAttributeNames: ["All"],
        }),
      );
      if (Messages.length === 0) break;
      records.push(...Messages.filter(isReceived).map((message) => toRecord(message, arn, region)));
    }
    return records;
  }

  async delete({ receiptHandle }: SQSRecord): Promise<void> {
    const { sqs, url } = this.#options;
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receiptHandle }));
  }

  async purge(): Promise<void> {
    await this.#options.sqs.send(new PurgeQueueCommand({ QueueUrl: this.#options.url }));
  }

  /** How many messages it has, whether or not they can be seen. */
  async size(): Promise<number> {
    const { sqs, url } = this.#options;
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: url,
        AttributeNames: [
          "ApproximateNumberOfMessages",
          "ApproximateNumberOfMessagesNotVisible",
          "ApproximateNumberOfMessagesDelayed",
        ],
      }),
    );
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
  }
}
