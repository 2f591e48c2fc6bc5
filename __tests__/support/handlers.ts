import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { json } from "node:stream/consumers";
import { GetObjectCommand, NoSuchKey, PutObjectCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { apiFunctionName, consumerName } from "../../config/names.ts";
import { startCloud } from "../../local/cloud.ts";
import type { InvocationOutcome } from "../../local/lambda/lambda.ts";
import { listenOnLoopback } from "../../local/loopback.ts";
import { startFunctions } from "./functions.ts";
import { settingsWith, synthesise } from "./synthesise.ts";

/** What a model sends back, byte for byte. */
export interface RawAnswer {
  readonly status: number;
  /** As the header `x-amzn-errortype`. */
  readonly errorType?: string;
  readonly body: string | Uint8Array;
}

/** The bundles of the consumer and the API, on a real queue and bucket and with a model that says what it is told to. */
export interface Handlers extends AsyncDisposable {
  readonly consume: (event: object) => Promise<InvocationOutcome>;
  readonly request: (event: object) => Promise<InvocationOutcome>;
  /** What the functions wrote since this was last asked. */
  takeLines(): string[];
  /** From now on the model answers prompts like this. */
  setModel(answer: (prompt: string) => RawAnswer): void;
  put(key: string, body: string): Promise<void>;
  /** The bytes of an object, if it is there. */
  get(key: string): Promise<Buffer | undefined>;
  /** How many messages are in the queue of prompts, whether or not they can be seen. */
  messages(): Promise<number>;
}

const promptSchema = z.object({ prompt: z.string() });

export async function startHandlers(): Promise<Handlers> {
  const { suffix } = settingsWith();
  const { folder } = synthesise(settingsWith());
  const cloud = await startCloud({ stackDir: folder, port: 0, eventSources: false });
  const { s3, sqs, bucket, queueUrl, stack } = cloud;

  let answer: (prompt: string) => RawAnswer = () => ({ status: 503, body: "" });
  const used = new WeakSet<Socket>();
  const model = createServer(async (request, response) => {
    // Between two invocations an environment is frozen, and what is at the other end closes the idle connection.
    if (used.has(request.socket)) {
      request.socket.resetAndDestroy();
      return;
    }
    used.add(request.socket);
    const { status, errorType, body } = answer(promptSchema.parse(await json(request)).prompt);
    response.writeHead(status, errorType === undefined ? {} : { "x-amzn-errortype": errorType }).end(body);
  });
  const port = await listenOnLoopback(model);

  const lines: string[] = [];
  const variables = {
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: `http://127.0.0.1:${port}`,
  };
  const functions = await startFunctions(
    stack,
    () => variables,
    (line) => lines.push(line),
  );
  const invoke = (name: string) => (event: object) => {
    const invoked = functions.get(name);
    if (invoked === undefined) throw new Error(`the stack has no function ${name}`);
    return invoked.invoke(event);
  };
  return {
    consume: invoke(consumerName(suffix)),
    request: invoke(apiFunctionName(suffix)),
    takeLines: () => lines.splice(0),
    setModel(next) {
      answer = next;
    },
    async put(key, body) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body) }));
    },
    async get(key) {
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async messages() {
      const AttributeNames = [
        "ApproximateNumberOfMessages" as const,
        "ApproximateNumberOfMessagesNotVisible" as const,
        "ApproximateNumberOfMessagesDelayed" as const,
      ];
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames }),
      );
      return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
    },
    async [Symbol.asyncDispose]() {
      for (const started of functions.values()) await started.stop();
      model.closeAllConnections();
      model.close();
      await cloud.stop();
    },
  };
}

export interface Message {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A message as SQS hands it over. */
export function message(body: string, attributes: Readonly<Record<string, string>> = {}): Message {
  return {
    messageId: randomUUID(),
    body,
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: String(Date.now()),
      SenderId: "AIDAEXAMPLE",
      ...attributes,
    },
  };
}

const responseSchema = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });

/** Hands messages to the consumer, one after the other, and gives those that it leaves in the queue. */
export async function deliver(handlers: Handlers, messages: readonly Message[]): Promise<Message[]> {
  const rest = {
    receiptHandle: "none",
    messageAttributes: {},
    eventSource: "aws:sqs",
    awsRegion: "eu-west-1",
  };
  const left: Message[] = [];
  for (const each of messages) {
    const outcome = await handlers.consume({ Records: [{ ...rest, ...each }] });
    if (outcome.type !== "result") throw new Error(`the consumer threw: ${JSON.stringify(outcome)}`);
    const { batchItemFailures } = responseSchema.parse(outcome.payload);
    if (batchItemFailures.length > 0) left.push(each);
  }
  return left;
}
