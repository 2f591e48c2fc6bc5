import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { isReceived, toRecord } from "../lambda/event-source.ts";

/** Most messages that SQS takes in one call. */
const SQS_BATCH = 10;

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
  async send(bodies: readonly string[]): Promise<string[]> {
    const { sqs, url } = this.#options;
    const ids: string[] = [];
    for (const part of chunks(bodies, SQS_BATCH)) {
      const entries = part.map((body, index) => ({ Id: String(index), MessageBody: body }));
      const { Successful = [] } = await sqs.send(
        new SendMessageBatchCommand({ QueueUrl: url, Entries: entries }),
      );
      const byEntry = new Map(Successful.map(({ Id, MessageId }) => [Id, MessageId]));
      ids.push(...entries.map(({ Id }) => byEntry.get(Id) ?? ""));
    }
    return ids;
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

  async delete(records: readonly SQSRecord[]): Promise<void> {
    const { sqs, url } = this.#options;
    for (const part of chunks(records, SQS_BATCH)) {
      const entries = part.map(({ receiptHandle }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
      }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: entries }));
    }
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

/** A list in parts of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
