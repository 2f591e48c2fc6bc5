// A process that makes pictures, one after the other, and tells what that cost it.
import { createRequire } from "node:module";
import { connect, type Socket } from "node:net";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { MODEL_ANSWER } from "./picture.ts";

export type Worker =
  /** The function as it ships, with all that it does for a message. */
  | "consumer"
  /** The least that any program has to do for a message: ask the model and store the picture, on a bare socket. */
  | "consumer floor"
  /** What the function does with the model's answer. */
  | "store"
  /** The least that any program has to do with the answer: parse, decode and store it, on a bare socket. */
  | "store floor";

/** What to do, and with what. */
export interface WorkOrder {
  readonly worker: Worker;
  readonly pictures: number;
  /** Pictures before the measured ones. */
  readonly warmUp: number;
  /** The folder of the unpacked bundle: the consumer's, or that of `store.ts`. */
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

/** Works on a message that is named so. */
type Paint = (name: string) => Promise<void>;
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
  return {
    cpuMs: (user + system) / 1000 / order.pictures,
    peakMb: maxRSS / 1024,
  };
}

function consumer({ codeDirectory, deliveries }: WorkOrder): Paint {
  // The consumer's log is no part of the report.
  for (const level of ["info", "warn", "error"] as const) console[level] = () => {};
  const { handler }: { handler: Handler } = createRequire(import.meta.url)(`${codeDirectory}/index.js`);
  return async (name) => {
    const event = { Records: [message(name)] };
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

function consumerFloor({ endpoint }: WorkOrder): Paint {
  return onBareSocket(endpoint, async (socket, key) => {
    const prompt = JSON.stringify({ prompt: "Me on top of K2", output_format: "png" });
    await storeBarely(socket, key, await exchange(socket, "POST /model/bench/invoke", Buffer.from(prompt)));
  });
}

function store({ codeDirectory }: WorkOrder): Paint {
  const { store }: typeof import("./store.ts") = createRequire(import.meta.url)(`${codeDirectory}/index.js`);
  return (name) => store(MODEL_ANSWER, name);
}

function storeFloor({ endpoint }: WorkOrder): Paint {
  return onBareSocket(endpoint, (socket, key) => storeBarely(socket, key, MODEL_ANSWER));
}

const WORKERS: Readonly<Record<Worker, (order: WorkOrder) => Paint>> = {
  consumer,
  "consumer floor": consumerFloor,
  store,
  "store floor": storeFloor,
};

function onBareSocket(endpoint: string, paint: (socket: Socket, key: string) => Promise<void>): Paint {
  const port = Number(new URL(endpoint).port);
  return async (name) => {
    const socket = connect(port, "127.0.0.1");
    await paint(socket, name);
    socket.destroy();
  };
}

/** JSON parse, base64 decode and one PUT. */
async function storeBarely(socket: Socket, key: string, answer: Buffer): Promise<void> {
  const { images }: { images: [string] } = JSON.parse(answer.toString("utf8"));
  await exchange(socket, `PUT /bench/images/${key}.png`, Buffer.from(images[0], "base64"));
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
        reject(new Error("the answer's head came in pieces"));
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
  socket.write(`${request} HTTP/1.1\r\nhost: bench\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
  return promise;
}
