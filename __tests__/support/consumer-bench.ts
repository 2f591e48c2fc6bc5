import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import {
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { z } from "zod";
import type { SettingsInput } from "../../config/settings.ts";
import { type RequestRecord, recordKey, recordSchema } from "../../functions/domain/record.ts";
import { type Cloud, startCloud } from "../../local/cloud.ts";
import { isReceived, toRecord } from "../../local/lambda/event-source.ts";
import { quickPainter } from "./quick-painter.ts";
import { copyStack, settingsWith } from "./synthesise.ts";

export const CORE = "stability.stable-image-core-v1:1";
export const SD35 = "stability.sd3-5-large-v1:0";

const QUEUE_ARN = "arn:aws:sqs:eu-west-1:000000000000:image-generation-queue-dev";

const responseSchema = z.object({
  batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })),
});

const inspectedSchema = z.object({
  messages: z.object({
    delayed: z.array(
      z.object({
        body: z.string(),
        messageAttributes: z.record(z.string(), z.looseObject({})),
      }),
    ),
    inflight: z.array(
      z.object({
        message: z.object({ body: z.string() }),
        /** In milliseconds since the epoch. */
        visibilityDeadline: z.number(),
      }),
    ),
  }),
});

type Inspected = z.output<typeof inspectedSchema>["messages"];

/** A delivery as SQS makes it. */
export interface Delivery {
  /** Ids of the messages, in the order they were sent. */
  readonly messageIds: readonly string[];
  /** The bodies of the messages that the consumer leaves in the queue. */
  readonly kept: readonly string[];
  /** What the consumer logged. */
  readonly log: string;
}

export interface DeliveryOptions {
  /** How often SQS says it has handed the messages out. Default 1. */
  readonly receives?: number;
  readonly sentAt?: Date;
  /** What the sender gives the messages. Default: one attribute. */
  readonly attributes?: Readonly<Record<string, MessageAttributeValue>>;
}

export interface BenchOptions {
  /** Settings that differ from those of `dev`. */
  readonly settings?: Partial<SettingsInput>;
  /** The function's time-out, where it is to be shorter than the settings allow. */
  readonly timeoutSeconds?: number;
}

/** The synthesised stack with its event source stopped: the test itself delivers, when and as often as it likes. */
export class ConsumerBench implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly #lines: string[] = [];

  private constructor(cloud: Cloud) {
    this.cloud = cloud;
    cloud.events.on("line", ({ line }) => this.#lines.push(line));
  }

  static async start(options: BenchOptions = {}): Promise<ConsumerBench> {
    const folder = copyStack(settingsWith(options.settings));
    const file = join(folder, "cdk.tf.json");
    const stack = JSON.parse(readFileSync(file, "utf8"));
    for (const mapping of Object.values<{ enabled?: boolean }>(
      stack.resource.aws_lambda_event_source_mapping,
    )) {
      mapping.enabled = false;
    }
    for (const fn of Object.values<{ timeout: number }>(stack.resource.aws_lambda_function)) {
      fn.timeout = options.timeoutSeconds ?? fn.timeout;
    }
    writeFileSync(file, JSON.stringify(stack));
    return new ConsumerBench(
      await startCloud({ stackDir: folder, port: 0, trouble: { latencyMs: 0 }, painter: quickPainter }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cloud.stop();
  }

  get bedrock() {
    if (this.cloud.bedrock === undefined) throw new Error("the bench runs the stand-in model");
    return this.cloud.bedrock;
  }

  /** Sends messages and hands each to an invocation of the consumer, all at once. */
  async deliver(bodies: readonly string[], options: DeliveryOptions = {}): Promise<Delivery> {
    const sent = new Set<string | undefined>();
    for (const body of bodies) {
      const { MessageId } = await this.cloud.sqs.send(
        new SendMessageCommand({
          QueueUrl: this.cloud.queueUrl,
          MessageBody: body,
          MessageAttributes: options.attributes ?? {
            sender: { DataType: "String", StringValue: "the test" },
          },
        }),
      );
      sent.add(MessageId);
    }
    const records = await this.#receive(sent, options);
    const start = this.#lines.length;
    const kept = await Promise.all(records.map((record) => this.#invoke(record)));
    return {
      messageIds: records.map(({ messageId }) => messageId),
      kept: records.filter((_, index) => kept[index]).map(({ body }) => body),
      log: this.#lines.slice(start).join("\n"),
    };
  }

  /** @returns whether the consumer leaves the message in the queue */
  async #invoke(record: SQSRecord): Promise<boolean> {
    const outcome = await this.#consumer.invoke({ Records: [record] });
    if (outcome.type !== "result") throw new Error(`the consumer did not answer: ${JSON.stringify(outcome)}`);
    return responseSchema.parse(outcome.payload).batchItemFailures.length > 0;
  }

  async record(requestId: string): Promise<RequestRecord> {
    const { Body } = await this.cloud.s3.send(
      new GetObjectCommand({ Bucket: this.cloud.bucket, Key: recordKey(this.cloud.keyPrefix, requestId) }),
    );
    return recordSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
  }

  async putRecord(record: RequestRecord): Promise<void> {
    await this.put(recordKey(this.cloud.keyPrefix, record.requestId), JSON.stringify(record));
  }

  async put(key: string, body: string | Uint8Array, metadata: Record<string, string> = {}): Promise<void> {
    await this.cloud.s3.send(
      new PutObjectCommand({ Bucket: this.cloud.bucket, Key: key, Body: body, Metadata: metadata }),
    );
  }

  async get(key: string): Promise<Uint8Array> {
    const { Body } = await this.cloud.s3.send(new GetObjectCommand({ Bucket: this.cloud.bucket, Key: key }));
    if (Body === undefined) throw new Error(`${key} has no body`);
    return Body.transformToByteArray();
  }

  async remove(key: string): Promise<void> {
    await this.cloud.s3.send(new DeleteObjectCommand({ Bucket: this.cloud.bucket, Key: key }));
  }

  async metadata(key: string): Promise<Record<string, string>> {
    const head = await this.cloud.s3.send(new HeadObjectCommand({ Bucket: this.cloud.bucket, Key: key }));
    return head.Metadata ?? {};
  }

  async keys(prefix = ""): Promise<string[]> {
    const { Contents = [] } = await this.cloud.s3.send(
      new ListObjectsV2Command({ Bucket: this.cloud.bucket, Prefix: prefix }),
    );
    return Contents.flatMap(({ Key }) => Key ?? []);
  }

  /** The messages that wait in the prompt queue for their delay to end. */
  async delayed(): Promise<Inspected["delayed"]> {
    return (await this.#inspect()).delayed;
  }

  /** How long a message that was delivered stays hidden, in seconds; 0 where it can be received again. */
  async hiddenSeconds(body: string): Promise<number> {
    const hidden = (await this.#inspect()).inflight.find(({ message }) => message.body === body);
    return hidden === undefined ? 0 : (hidden.visibilityDeadline - Date.now()) / 1000;
  }

  async #inspect(): Promise<Inspected> {
    const name = this.cloud.queueUrl.split("/").at(-1);
    const response = await fetch(`${this.cloud.endpoint}/_fauxqs/queues/${name}`);
    return inspectedSchema.parse(await response.json()).messages;
  }

  get #consumer() {
    const [consumer] = [...this.cloud.functions.values()].filter(({ spec }) =>
      spec.functionName.startsWith("image-processor"),
    );
    if (consumer === undefined) throw new Error("the stack has no consumer");
    return consumer;
  }

  /** Takes these messages off the queue; what other tests left there stays hidden. */
  async #receive(ids: ReadonlySet<string | undefined>, options: DeliveryOptions): Promise<SQSRecord[]> {
    const messages: Message[] = [];
    while (messages.length < ids.size) {
      const { Messages = [] } = await this.cloud.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.cloud.queueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: 1,
          MessageSystemAttributeNames: ["All"],
          MessageAttributeNames: ["All"],
        }),
      );
      messages.push(...Messages.filter(({ MessageId }) => ids.has(MessageId)));
    }
    return messages.filter(isReceived).map((message) => {
      const record = toRecord(message, QUEUE_ARN, "eu-west-1");
      const { receives = 1, sentAt } = options;
      const SentTimestamp = sentAt?.getTime().toString() ?? record.attributes.SentTimestamp;
      return {
        ...record,
        attributes: { ...record.attributes, SentTimestamp, ApproximateReceiveCount: String(receives) },
      };
    });
  }
}
