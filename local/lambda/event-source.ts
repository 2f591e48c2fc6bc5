import { setTimeout } from "node:timers/promises";
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import { z } from "zod";
import type { EventSourceSpec } from "../stack/stack.ts";
import { type InvocationOutcome, LARGEST_PAYLOAD, type LambdaFunction } from "./lambda.ts";
import { RAMP_STEP_SECONDS, ScalingRamp } from "./scaling-ramp.ts";

/** Most messages that SQS hands out, or deletes, in one call. */
const SQS_BATCH = 10;
/** The longest a receive may wait for a message, in seconds. It is also how long an event source takes to pause. */
const LONG_POLL_SECONDS = 1;

/** Pause after a receive that failed, and between tries of a throttled invocation, in milliseconds. */
const RETRY_MS = 1000;

/** Room for what an event has beside the bodies and attributes of its messages, in bytes. */
const ENVELOPE = 64 * 1024;

/** One batch, as the function dealt with it. */
export interface BatchReport {
  readonly functionName: string;
  readonly messageIds: readonly string[];
  /** Messages that stay in the queue. */
  readonly failedMessageIds: readonly string[];
}

export interface EventSourceOptions {
  readonly spec: EventSourceSpec;
  readonly region: string;
  readonly sqs: SQSClient;
  readonly target: LambdaFunction;
  readonly onBatch: (report: BatchReport) => void;
  /** Told when the queue does not answer; polling goes on. */
  readonly onTrouble: (error: unknown) => void;
}

/** A message with everything that a batch needs of it. */
export type Received = Message & { readonly MessageId: string; readonly ReceiptHandle: string };

/** Polls a queue and feeds a function, as an SQS event source mapping does. */
export class EventSource {
  readonly #options: EventSourceOptions;
  readonly #stopping = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #ramp: ScalingRamp;
  readonly #polling: Promise<void>;
  #pausing = false;

  constructor(options: EventSourceOptions) {
    this.#options = options;
    this.#ramp = new ScalingRamp(options.spec.maximumConcurrency);
    this.#ramp.restart(now(), 0);
    this.#polling = this.#poll();
  }

  /**
   * Stops polling and lets the batches under way finish.
   * @param graceMs how long to wait for them, in milliseconds
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
    const finished = new AbortController();
    const grace = setTimeout(graceMs, undefined, { signal: finished.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#inFlight), grace]);
    finished.abort();
  }

  /** Takes no more messages. A receive under way comes to its end: the emulator would hand messages to nobody. */
  async pause(): Promise<void> {
    this.#pausing = true;
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !this.#pausing) {
      if (this.#inFlight.size >= this.#ramp.allowedAt(now())) {
        await Promise.race([...this.#inFlight, setTimeout(1000 * RAMP_STEP_SECONDS)]);
        continue;
      }
      const asked = now();
      const messages = await this.#collect();
      const hasWaited = now() - asked > RAMP_STEP_SECONDS;
      if (messages.length === 0 || hasWaited) this.#ramp.restart(now(), this.#inFlight.size);
      for (const part of withinPayload(messages)) {
        const batch = this.#handle(part)
          .catch(this.#options.onTrouble)
          .finally(() => this.#inFlight.delete(batch));
        this.#inFlight.add(batch);
      }
    }
  }

  /** One batch: what a receive brings, or, with a window, what comes until it is full or the window closes. */
  async #collect(): Promise<Received[]> {
    const { batchSize, batchWindowSeconds } = this.#options.spec;
    const messages = await this.#receive(Math.min(SQS_BATCH, batchSize), LONG_POLL_SECONDS);
    const closesAt = Date.now() + batchWindowSeconds * 1000;
    while (messages.length > 0 && messages.length < batchSize && !this.#stopping.signal.aborted) {
      const left = Math.ceil((closesAt - Date.now()) / 1000);
      if (left <= 0) break;
      const wanted = Math.min(SQS_BATCH, batchSize - messages.length);
      messages.push(...(await this.#receive(wanted, Math.min(LONG_POLL_SECONDS, left))));
    }
    return messages;
  }

  async #receive(count: number, waitSeconds: number): Promise<Received[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#options.spec.queue.url,
      MaxNumberOfMessages: count,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    });
    try {
      const { Messages = [] } = await this.#options.sqs.send(command, { abortSignal: this.#stopping.signal });
      return Messages.filter(isReceived);
    } catch (error) {
      if (!this.#stopping.signal.aborted) {
        this.#options.onTrouble(error);
        await setTimeout(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
      }
      return [];
    }
  }

  async #handle(messages: readonly Received[]): Promise<void> {
    const { target, spec, region, onBatch } = this.#options;
    const event: SQSEvent = { Records: messages.map((message) => toRecord(message, spec.queue.arn, region)) };
    const outcome = await this.#invoke(event);
    const failed = spec.reportsItemFailures
      ? failedMessages(outcome, messages)
      : outcome.type === "result"
        ? []
        : messages;
    await this.#delete(messages.filter((message) => !failed.includes(message)));
    onBatch({
      functionName: target.spec.functionName,
      messageIds: messages.map(({ MessageId }) => MessageId),
      failedMessageIds: failed.map(({ MessageId }) => MessageId),
    });
  }

  /**
   * Lambda tries a throttled batch again for as long as its messages are out of sight; then they are back in the queue.
   * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
   */
  async #invoke(event: SQSEvent): Promise<InvocationOutcome> {
    const { target, spec } = this.#options;
    const visibilitySeconds = Number(spec.queue.attributes.VisibilityTimeout ?? 30);
    const until = performance.now() + visibilitySeconds * 1000 - RETRY_MS;
    const traceHeaders = traceHeadersOf(event);
    while (true) {
      const outcome = await target.invoke(event, traceHeaders);
      const over = this.#stopping.signal.aborted || performance.now() > until;
      if (outcome.type !== "throttled" || over) return outcome;
      await setTimeout(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  async #delete(messages: readonly Received[]): Promise<void> {
    for (let start = 0; start < messages.length; start += SQS_BATCH) {
      const entries = messages
        .slice(start, start + SQS_BATCH)
        .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await this.#options.sqs.send(
        new DeleteMessageBatchCommand({ QueueUrl: this.#options.spec.queue.url, Entries: entries }),
      );
    }
  }
}

/** In seconds. */
function now(): number {
  return performance.now() / 1000;
}

/** The trace headers that the messages of an event came with. */
export function traceHeadersOf({ Records }: SQSEvent): string[] {
  return Records.flatMap(({ attributes: { AWSTraceHeader } }) => AWSTraceHeader ?? []);
}

/** A batch in parts that each fit into an event. */
function withinPayload(messages: readonly Received[]): Received[][] {
  const parts: Received[][] = [];
  let room = 0;
  for (const message of messages) {
    const bytes = Buffer.byteLength(JSON.stringify(message));
    if (bytes > room) {
      parts.push([]);
      room = LARGEST_PAYLOAD - ENVELOPE;
    }
    parts.at(-1)?.push(message);
    room -= bytes;
  }
  return parts;
}

/** A received message as Lambda hands it to a function. */
export function toRecord(message: Received, queueArn: string, region: string): SQSRecord {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body ?? "",
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "",
      ApproximateFirstReceiveTimestamp: "0",
      ...message.Attributes,
    },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]) => [
        name,
        {
          dataType: attribute.DataType ?? "String",
          ...(attribute.StringValue !== undefined && { stringValue: attribute.StringValue }),
          ...(attribute.BinaryValue !== undefined && {
            binaryValue: Buffer.from(attribute.BinaryValue).toString("base64"),
          }),
          stringListValues: [],
          binaryListValues: [],
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody ?? "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

export function isReceived(message: Message): message is Received {
  return message.MessageId !== undefined && message.ReceiptHandle !== undefined;
}

/** Nothing at all, no list, and an empty list all mean that every message is done. */
const partialResponseSchema = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string().min(1) })).nullish() })
  .nullable();

/**
 * The messages that stay in the queue. An answer that Lambda cannot read, or that names a message that was
 * not in the batch, fails the whole batch: the alternative would delete messages nobody dealt with.
 */
function failedMessages(outcome: InvocationOutcome, messages: readonly Received[]): readonly Received[] {
  if (outcome.type !== "result") return messages;
  const response = partialResponseSchema.safeParse(outcome.payload);
  if (!response.success) return messages;
  const failedIds = new Set((response.data?.batchItemFailures ?? []).map((item) => item.itemIdentifier));
  const failed = messages.filter(({ MessageId }) => failedIds.has(MessageId));
  return failed.length === failedIds.size ? failed : messages;
}
