import { setTimeout as pause } from "node:timers/promises";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { pMapIterable } from "p-map";
import { messageBody } from "../functions/domain/message-body.ts";
import type { IdentifiedRequest } from "../functions/domain/request.ts";
import { ClientError, EXIT, interrupted } from "./exit.ts";
import type { Pipeline } from "./pipeline.ts";

/** A request that SQS has confirmed. */
export interface Sent {
  readonly requestId: string;
  readonly messageId: string;
}

/**
 * Most messages in one call, and most bytes of all their bodies. A single request is far below.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 */
const BATCH = 10;
const BATCH_BYTES = 1_048_576;
/** How long the first request of a batch waits for others, in milliseconds. */
const BATCH_WITHIN_MS = 200;
/** Calls under way at once. A standard queue takes nearly any number; more than this no longer makes it faster. */
export const CALLS_AT_ONCE = 16;
/** How often the messages of a batch that SQS did not take are sent again. */
const MOST_RETRIES = 5;
const FIRST_RETRY_MS = 100;

/**
 * Sends requests in batches, several at once, and reads no further ahead than it sends. Yields them as SQS confirms
 * them, in the order they came in.
 * @param group the message group, for fair sharing between groups
 */
export async function* sendBatches(
  pipeline: Pipeline,
  requests: AsyncIterable<IdentifiedRequest>,
  group: string | undefined,
): AsyncGenerator<Sent> {
  const batches = pMapIterable(inBatches(requests), (batch) => sendBatch(pipeline, batch, group), {
    concurrency: CALLS_AT_ONCE,
    backpressure: CALLS_AT_ONCE * 2,
  });
  for await (const sent of batches) yield* sent;
}

interface Outgoing {
  readonly requestId: string;
  readonly body: string;
}

/** Batches that are full, or as large as can be by the time that their first request has waited long enough. */
async function* inBatches(requests: AsyncIterable<IdentifiedRequest>): AsyncGenerator<Outgoing[]> {
  const source = requests[Symbol.asyncIterator]();
  let next: ReturnType<typeof source.next> | undefined;
  for (let isOver = false; !isOver; ) {
    const batch: Outgoing[] = [];
    let bytes = 0;
    const late = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    while (batch.length < BATCH) {
      next ??= source.next();
      const result = await Promise.race([next, late.promise]);
      if (!result) break;
      if (result.done) {
        isOver = true;
        break;
      }
      const body = messageBody(result.value);
      bytes += Buffer.byteLength(body);
      // It then is the next batch's first.
      if (bytes > BATCH_BYTES) break;
      next = undefined;
      batch.push({ requestId: result.value.requestId, body });
      timer ??= setTimeout(late.resolve, BATCH_WITHIN_MS);
    }
    clearTimeout(timer);
    if (batch.length > 0) yield batch;
  }
}

/** SQS may take some messages of a batch and not the others: those alone are sent again. */
async function sendBatch(
  pipeline: Pipeline,
  batch: readonly Outgoing[],
  group: string | undefined,
): Promise<Sent[]> {
  const messageIds = new Map<number, string>();
  for (let retry = 0; ; retry += 1) {
    const { Successful = [], Failed = [] } = await pipeline.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: pipeline.queueUrl,
        Entries: [...batch.entries()]
          .filter(([index]) => !messageIds.has(index))
          .map(([index, { body }]) => ({
            Id: String(index),
            MessageBody: body,
            ...(group !== undefined && { MessageGroupId: group }),
          })),
      }),
      { abortSignal: interrupted },
    );
    for (const { Id, MessageId = "" } of Successful) messageIds.set(Number(Id), MessageId);
    const [failure] = Failed;
    if (failure === undefined) {
      return batch.map(({ requestId }, index) => ({ requestId, messageId: messageIds.get(index) ?? "" }));
    }
    if (failure.SenderFault === true || retry === MOST_RETRIES) {
      throw new ClientError(`SQS refused a prompt: ${failure.Message ?? failure.Code}.`, EXIT.failed);
    }
    await pause(FIRST_RETRY_MS * 2 ** retry * (0.5 + Math.random() / 2), undefined, {
      signal: interrupted,
    });
  }
}
