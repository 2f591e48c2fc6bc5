import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import { type ParsedRequest, parseRequest } from "../functions/domain/request.ts";
import { interrupted } from "./exit.ts";
import type { Pipeline } from "./pipeline.ts";

/** A message that could not be painted. */
export interface DeadLetter {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly message: Message;
  readonly parsed: ParsedRequest;
  /** Under which its record is kept: the message's own id where the body names none. */
  readonly requestId: string;
}

/** Most messages that SQS hands out, or changes, in one call. */
const BATCH = 10;
/** Long enough that SQS asks all of its servers, in seconds: an empty answer then means an empty queue. */
const LONG_POLL_SECONDS = 1;

/** The dead-letter queue. A message in it is only ever hidden for a while, or removed by {@link remove}. */
export class DeadLetterQueue {
  readonly #pipeline: Pipeline;
  readonly url: string;
  /** How many messages it held in the beginning, about. */
  readonly size: number;
  readonly #held = new Map<string, DeadLetter>();
  #taken = 0;

  private constructor(pipeline: Pipeline, url: string, size: number) {
    this.#pipeline = pipeline;
    this.url = url;
    this.size = size;
  }

  static async of(pipeline: Pipeline): Promise<DeadLetterQueue> {
    const url = await pipeline.deadLetterQueueUrl();
    const { visible, hidden } = await pipeline.depth(url);
    return new DeadLetterQueue(pipeline, url, visible + hidden);
  }

  /**
   * How many messages {@link take} was not given although it took all that it could, about. What SQS itself counts as
   * hidden lags behind, so that it would count those that were just removed or put back.
   */
  get hidden(): number {
    return Math.max(0, this.size - this.#taken);
  }

  /**
   * Takes the messages one after the other until there are no more, or until Ctrl-C. At the end, however it comes, all
   * that were not removed are there again at once; if the process is killed, after the visibility timeout.
   * @param visibilitySeconds how long a message stays hidden from others
   */
  async *take(visibilitySeconds: number): AsyncGenerator<DeadLetter> {
    try {
      while (true) {
        interrupted.throwIfAborted();
        const letters = await this.#receive(visibilitySeconds);
        const isNew = letters.map(({ messageId }) => !this.#held.has(messageId));
        for (const letter of letters) this.#held.set(letter.messageId, letter);
        // What comes a second time was hidden for too short a time: all others have been seen by then.
        if (!isNew.includes(true)) return;
        for (const [index, letter] of letters.entries()) {
          interrupted.throwIfAborted();
          if (isNew[index] !== true) continue;
          this.#taken += 1;
          yield letter;
        }
      }
    } finally {
      await this.#putBack();
    }
  }

  async remove({ messageId, receiptHandle }: DeadLetter): Promise<void> {
    await this.#pipeline.sqs.send(
      new DeleteMessageCommand({ QueueUrl: this.url, ReceiptHandle: receiptHandle }),
    );
    this.#held.delete(messageId);
  }

  async #receive(visibilitySeconds: number): Promise<DeadLetter[]> {
    const { Messages = [] } = await this.#pipeline.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.url,
        MaxNumberOfMessages: BATCH,
        WaitTimeSeconds: LONG_POLL_SECONDS,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      }),
    );
    return Messages.map(toDeadLetter);
  }

  async #putBack(): Promise<void> {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (let start = 0; start < held.length; start += BATCH) {
      await this.#pipeline.sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: this.url,
          Entries: held.slice(start, start + BATCH).map(({ receiptHandle }, index) => ({
            Id: String(index),
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: 0,
          })),
        }),
      );
    }
  }
}

function toDeadLetter(message: Message): DeadLetter {
  const { MessageId: messageId = "", ReceiptHandle: receiptHandle = "", Body: body = "" } = message;
  const parsed = parseRequest(body);
  const chosenId = parsed.ok ? parsed.request.requestId : parsed.requestId;
  return { messageId, receiptHandle, body, message, parsed, requestId: chosenId ?? messageId };
}
