import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { type RequestRecord, recordKey } from "../../functions/domain/record.ts";
import { indexKey } from "../../functions/domain/request-index.ts";
import { type Emulator, startEmulator } from "../../local/aws/emulator.ts";
import { makeOnce } from "./make-once.ts";

/** What a process said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Comes in on standard input, which then ends; that of a stream ends with it. */
  readonly input?: string | Uint8Array | Readable;
  readonly cwd?: string;
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** Is told what has been said on standard output so far, each time that more comes. */
  readonly onOutput?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void;
}

const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" } as const;
/** The client starts hundreds of times; it need not be compiled each time. */
const COMPILE_CACHE = join(tmpdir(), "client-compile-cache");
const REGION = "eu-west-1";

/** A folder of the test's own, which is left for the operating system to clean up. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "client-"));
}

/** The bundled client, built once for a run of the tests. */
export function clientBinary(): string {
  const name = "image-generator-client.cjs";
  const folder = makeOnce("client", (made) => {
    execFileSync("npm", ["run", "--silent", "build:client", "--", `--outfile=${join(made, name)}`], {
      stdio: "ignore",
    });
  });
  return join(folder, name);
}

/** Runs the bundled client, with nothing in its environment but what is named. */
export function runClient(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return run(process.execPath, [clientBinary(), ...args], options);
}

export async function run(
  command: string,
  args: readonly string[],
  { env = {}, input = "", cwd = temporaryFolder(), onStart, onOutput }: RunOptions,
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
  });
  // A second signal would end the client at once.
  const kill = (signal: NodeJS.Signals) => child.killed || child.kill(signal);
  onStart?.(kill);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onOutput?.(stdout, kill);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // A client that refuses its arguments does not read its input.
  child.stdin.on("error", () => {});
  if (input instanceof Readable) input.pipe(child.stdin);
  else child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, stdout, stderr };
}

/** A queue, its dead-letter queue and a bucket, without anybody who paints. */
export class QuietPipeline implements AsyncDisposable {
  readonly emulator: Emulator;
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  /** For the client. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(emulator: Emulator) {
    const { endpoint } = emulator;
    this.emulator = emulator;
    this.sqs = new SQSClient({ endpoint, region: REGION, credentials: CREDENTIALS });
    this.s3 = new S3Client({ endpoint, region: REGION, credentials: CREDENTIALS });
    this.queueUrl = `${endpoint}/000000000000/prompts`;
    this.deadLetterQueueUrl = `${endpoint}/000000000000/prompts-dlq`;
    this.env = {
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL: endpoint,
      SQS_QUEUE_URL: this.queueUrl,
    };
  }

  static async start(): Promise<QuietPipeline> {
    const pipeline = new QuietPipeline(await startEmulator({ port: 0, region: REGION }));
    const arn = `arn:aws:sqs:${REGION}:000000000000:prompts`;
    const { queueUrl, deadLetterQueueUrl, emulator } = pipeline;
    await emulator.ensureQueue({
      name: "prompts-dlq",
      arn: `${arn}-dlq`,
      url: deadLetterQueueUrl,
      attributes: {},
      tags: {},
    });
    await emulator.ensureQueue({
      name: "prompts",
      arn,
      url: queueUrl,
      attributes: {
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: `${arn}-dlq`, maxReceiveCount: 10 }),
      },
      tags: { ImageBucket: "pictures", KeyPrefix: "trips/" },
    });
    emulator.ensureBucket("pictures");
    return pipeline;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sqs.destroy();
    this.s3.destroy();
    await this.emulator.stop();
  }

  run(args: readonly string[], { env, ...options }: RunOptions = {}): Promise<Ended> {
    return runClient(args, { env: { ...this.env, ...env }, ...options });
  }

  async putRecord(record: RequestRecord): Promise<void> {
    const created = { createdAt: new Date().toISOString(), ...record };
    await this.put(recordKey("trips/", record.requestId), JSON.stringify(created));
    await this.put(indexKey("trips/", created) ?? "", "");
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket: "pictures", Key: key, Body: body }));
  }

  /** Puts a message into the dead-letter queue, and gives its message id. */
  async bury(body: string, group?: string): Promise<string> {
    const { MessageId = "" } = await this.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.deadLetterQueueUrl,
        MessageBody: body,
        MessageAttributes: {
          sender: { DataType: "String", StringValue: "Ada" },
          raw: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 255) },
        },
        ...(group !== undefined && { MessageGroupId: group }),
      }),
    );
    return MessageId;
  }

  /** How many messages are visible in a queue, and how many hidden. */
  async depth(url: string): Promise<readonly [visible: number, hidden: number]> {
    const { Attributes } = await this.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
    );
    return [
      Number(Attributes?.ApproximateNumberOfMessages),
      Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
    ];
  }

  /** Takes all that is visible in a queue out of it. */
  async drain(url = this.queueUrl): Promise<Message[]> {
    const taken: Message[] = [];
    while (true) {
      const { Messages = [] } = await this.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: 3600,
          MessageSystemAttributeNames: ["All"],
          MessageAttributeNames: ["All"],
        }),
      );
      if (Messages.length === 0) return taken;
      taken.push(...Messages);
    }
  }
}

/** What a scripted AWS answers: an HTTP status, and JSON or text. */
export interface Answer {
  readonly status: number;
  readonly body: object | string;
}

/**
 * A server that answers each call as told, for what an emulator never says. A call's action is its name for SQS, its
 * `X-Amz-Target` for other services that send one, else method and path. What is answered nothing hangs.
 */
export async function startScriptedAws(
  answer: (action: string, input: string) => Answer | undefined,
): Promise<AsyncDisposable & { readonly env: Readonly<Record<string, string>> }> {
  const server = createServer((request, response) => {
    void readAll(request).then((input) => {
      const target = request.headers["x-amz-target"] ?? `${request.method} ${request.url}`;
      const answered = answer(String(target).replace("AmazonSQS.", ""), input);
      if (answered === undefined) return;
      const { status, body } = answered;
      response
        .writeHead(status, { "content-type": "application/x-amz-json-1.0" })
        .end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    env: {
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL: endpoint,
      SQS_QUEUE_URL: `${endpoint}/000000000000/prompts`,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}
