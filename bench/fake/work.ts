// A process that makes pictures, one after the other, and reports its processor time and memory.
import { createRequire } from "node:module";
import { connect, type Socket } from "node:net";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";

/** What to do, and with what. */
export interface WorkOrder {
  /** The function as it ships, its six calls with the AWS SDK alone, or on a bare socket. */
  readonly worker: keyof typeof WORKERS;
  readonly pictures: number;
  /** Pictures before the measured ones. */
  readonly warmUp: number;
  /** The folder of the unpacked bundle. */
  readonly codeDirectory: string;
  /** `http://127.0.0.1:<port>` of the fake AWS. */
  readonly endpoint: string;
  /** How often each message is delivered. */
  readonly deliveries: number;
}

export interface WorkReport {
  /** User and system time of the process, in milliseconds for each picture. */
  readonly cpuMs: number;
  /** The most memory that the process ever had, in megabytes. */
  readonly peakMb: number;
}

const WORKERS = { consumer, sdk, floor };

/** Paints the message of this id. */
type Paint = (id: string) => Promise<void>;
type Handler = (event: SQSEvent, context: object) => Promise<SQSBatchResponse>;

process.once("message", async (order: WorkOrder) => {
  process.send?.(await work(order));
  process.disconnect();
});

async function work(order: WorkOrder): Promise<WorkReport> {
  const paint = WORKERS[order.worker](order);
  for (let index = 0; index < order.warmUp; index++) await paint(`${process.pid}-warm-${index}`);
  const before = process.cpuUsage();
  for (let index = 0; index < order.pictures; index++) await paint(`${process.pid}-${index}`);
  const { user, system } = process.cpuUsage(before);
  const { maxRSS } = process.resourceUsage();
  return { cpuMs: (user + system) / 1000 / order.pictures, peakMb: maxRSS / 1024 };
}

function consumer({ codeDirectory, deliveries }: WorkOrder): Paint {
  // The consumer's log is not part of the report.
  for (const level of ["info", "warn", "error"] as const) console[level] = () => {};
  const { handler }: { handler: Handler } = createRequire(import.meta.url)(`${codeDirectory}/index.js`);
  return async (id) => {
    const event = { Records: [message(id)] };
    for (let delivery = 0; delivery < deliveries; delivery++) {
      const { batchItemFailures } = await handler(event, { getRemainingTimeInMillis: () => 120_000 });
      if (batchItemFailures.length > 0) throw new Error("the prompt was not painted");
    }
  };
}

function message(messageId: string): SQSRecord {
  return {
    messageId,
    receiptHandle: messageId,
    body: "Me on top of K2",
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: String(Date.now()),
      SenderId: "bench",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "",
    awsRegion: "eu-west-1",
  };
}

/** The same calls as the floor, with signatures, checksums and conditions. */
function sdk({ endpoint }: WorkOrder): Paint {
  const Bucket = "bench";
  const s3 = new S3Client({ endpoint, forcePathStyle: true });
  // A connection for each call, as the consumer has it.
  const requestHandler = new NodeHttpHandler({ httpAgent: { keepAlive: false } });
  const bedrock = new BedrockRuntimeClient({ endpoint, requestHandler });
  const events = new EventBridgeClient({ endpoint });
  const put = (Key: string, Body: string | Uint8Array, condition: object) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }));
  return async (id) => {
    const key = `requests/${id}.json`;
    await put(`index/${id}`, "", { ContentLength: 0 });
    const claimed = await put(key, JSON.stringify({ requestId: id }), { IfNoneMatch: "*" });
    const body = JSON.stringify({ prompt: "Me on top of K2", output_format: "png" });
    const answer = await bedrock.send(new InvokeModelCommand({ modelId: "bench", body }));
    const { images }: { images: [string] } = JSON.parse(Buffer.from(answer.body).toString("latin1"));
    await put(`images/${id}.png`, Buffer.from(images[0], "base64"), { IfNoneMatch: "*" });
    await put(key, JSON.stringify({ requestId: id, status: "succeeded" }), { IfMatch: claimed.ETag });
    const Entries = [{ Source: "bench", DetailType: "bench", Detail: JSON.stringify({ requestId: id }) }];
    await events.send(new PutEventsCommand({ Entries }));
  };
}

/** An entry of the index, a record, the model's answer, its picture, the record again, and an event. */
function floor({ endpoint }: WorkOrder): Paint {
  const port = Number(new URL(endpoint).port);
  return async (id) => {
    const socket = connect(port, "127.0.0.1");
    const record = `PUT /bench/requests/${id}.json`;
    await exchange(socket, `PUT /bench/index/${id}`, Buffer.alloc(0));
    await exchange(socket, record, Buffer.from(JSON.stringify({ requestId: id, status: "generating" })));
    const prompt = JSON.stringify({ prompt: "Me on top of K2", output_format: "png" });
    const answer = await exchange(socket, "POST /model/bench/invoke", Buffer.from(prompt));
    const { images }: { images: [string] } = JSON.parse(answer.toString("utf8"));
    await exchange(socket, `PUT /bench/images/${id}.png`, Buffer.from(images[0], "base64"));
    await exchange(socket, record, Buffer.from(JSON.stringify({ requestId: id, status: "succeeded" })));
    await exchange(socket, "POST /events", Buffer.from(JSON.stringify({ requestId: id })));
    socket.destroy();
  };
}

/** Sends a request and reads the body of its answer, which must come with a length. */
function exchange(socket: Socket, request: string, body: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let missing: number | undefined;
  const read = (chunk: Buffer): void => {
    let part = chunk;
    if (missing === undefined) {
      const end = chunk.indexOf("\r\n\r\n");
      if (end < 0) {
        reject(new Error("the head of the answer came in pieces"));
        return;
      }
      const head = chunk.subarray(0, end).toString();
      missing = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      part = chunk.subarray(end + 4);
    }
    chunks.push(part);
    missing -= part.length;
    if (missing > 0) return;
    socket.off("data", read).off("error", reject);
    resolve(Buffer.concat(chunks));
  };
  socket.on("data", read).once("error", reject);
  socket.write(`${request} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
  return promise;
}
