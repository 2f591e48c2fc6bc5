import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Producer } from "sqs-producer";
import { Pipeline } from "../client/pipeline.ts";
import { RequestIds } from "../client/request-ids.ts";
import { fromFile } from "../client/requests.ts";
import { sendBatches } from "../client/send-batches.ts";
import { type Part, pairwise, type Row } from "./table.ts";

const PROMPTS = 2_000;
const ROUNDS = 5;
const FEW = 1_000;
const MANY = 20_000;

/** How fast the client sends to the local SQS, against other ways to send, and its memory meanwhile. */
export const sending: Part = {
  name: "sending",
  quick: false,
  async run() {
    const server = new Worker(new URL("./fake/sqs.ts", import.meta.url));
    try {
      const [queueUrl]: unknown[] = await once(server, "message");
      if (typeof queueUrl !== "string") throw new Error("the server sent no address");
      // The client's SDK finds credentials in the environment of the process only.
      Object.assign(process.env, {
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_REGION: "eu-west-1",
        AWS_ENDPOINT_URL: new URL(queueUrl).origin,
        SQS_QUEUE_URL: queueUrl,
      });
      return [...(await compareSpeed(queueUrl)), compareMemory()];
    } finally {
      await server.terminate();
    }
  },
};

async function compareSpeed(queueUrl: string): Promise<Row[]> {
  const sqs = new SQSClient();
  const producer = Producer.create({ queueUrl, sqs });
  const pipeline = new Pipeline(process.env);
  const file = promptFile(PROMPTS);
  const bodies = Array.from({ length: PROMPTS }, (_, index) =>
    JSON.stringify({ requestId: `id-${index}`, prompt: prompt(index) }),
  );
  const sendWithClient = async () => {
    const ids = new RequestIds("");
    const { requests } = await fromFile(file, {});
    const identified = async function* () {
      for await (const request of requests) yield ids.identify(request);
    };
    for await (const _ of sendBatches(pipeline, identified(), undefined));
  };
  const sendWithProducer = () => producer.send(bodies.map((body, index) => ({ id: String(index), body })));
  const sendOneByOne = async () => {
    for (const MessageBody of bodies) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
    }
  };
  const [client, producers, singles]: [number[], number[], number[]] = [[], [], []];
  // In turn, so that a machine whose speed drifts slows all of them down alike.
  for (let round = 0; round <= ROUNDS; round++) {
    client.push(await timeOf(sendWithClient));
    producers.push(await timeOf(sendWithProducer));
    singles.push(await timeOf(sendOneByOne));
  }
  // The first round is a warm-up.
  for (const times of [client, producers, singles]) times.shift();
  const what = `sending ${PROMPTS} prompts with the client`;
  const ratio = (one: number, other: number) => one / other;
  return [
    { what, against: "", unit: "ms", values: client },
    { what, against: "sqs-producer", unit: "×", values: pairwise(client, producers, ratio) },
    { what, against: "one by one, with the SDK", unit: "×", values: pairwise(client, singles, ratio) },
  ];
}

async function timeOf(send: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await send();
  return performance.now() - started;
}

function compareMemory(): Row {
  return {
    what: `memory of the client at its peak, sending ${MANY} prompts`,
    against: `sending ${FEW}`,
    unit: "×",
    values: [peakMemory(MANY) / peakMemory(FEW)],
    target: 1.5,
  };
}

/** The most memory of a client's process while it sends. */
function peakMemory(prompts: number): number {
  const report = "process.on('exit',()=>process._rawDebug(process.resourceUsage().maxRSS))";
  const { status, stderr } = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${report}`, ...["client/index.ts", "--file", promptFile(prompts)]],
    { encoding: "utf8", maxBuffer: 100_000_000 },
  );
  if (status !== 0) throw new Error(`the client failed: ${stderr}`);
  return Number(stderr.trim().split("\n").at(-1));
}

function promptFile(count: number): string {
  const path = join(mkdtempSync(join(tmpdir(), "couch-bench-")), "prompts.txt");
  writeFileSync(path, Array.from({ length: count }, (_, index) => `${prompt(index)}\n`).join(""));
  return path;
}

function prompt(index: number): string {
  return `A fjord at night, number ${index}`;
}
