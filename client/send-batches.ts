import { setTimeout } from "node:timers/promises";
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
 * Most messages in one call. Ten of the longest requests are below the 1 MiB that a call may have: 20,000 characters
 * of at most three bytes each make 60 kB a request.
 */
const BATCH = 10;
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

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** SQS may take some messages of a batch and not the others: those alone are sent again. */
async function sendBatch(
  pipeline: Pipeline,
  batch: readonly IdentifiedRequest[],
  group: string | undefined,
): Promise<Sent[]> {
  const messageIds = new Map<number, string>();
  for (let retry = 0; ; retry += 1) {
    const { Successful = [], Failed = [] } = await pipeline.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: pipeline.queueUrl,
        Entries: [...batch.entries()]
          .filter(([index]) => !messageIds.has(index))
          .map(([index, request]) => ({
            Id: String(index),
            MessageBody: messageBody(request),
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
    await setTimeout(FIRST_RETRY_MS * 2 ** retry * (0.5 + Math.random() / 2), undefined, {
      signal: interrupted,
    });
  }
}
