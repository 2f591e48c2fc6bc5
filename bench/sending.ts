import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import pMap from "p-map";
import { Producer } from "sqs-producer";
import { Pipeline } from "../client/pipeline.ts";
import { RequestIds } from "../client/request-ids.ts";
import { fromFile } from "../client/requests.ts";
import { CALLS_AT_ONCE, sendBatches } from "../client/send-batches.ts";
import { pairwise } from "./measure.ts";
import type { Part, Row } from "./table.ts";

const PROMPTS = 2_000;
const ROUNDS = 5;
const FEW = 1_000;
const MANY = 20_000;
const BATCH = 10;

/** How fast the client sends, against other ways to send, on the local SQS; and what it holds in memory meanwhile. */
export const sending: Part = {
  name: "sending",
  quick: false,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "couch-bench-"));
    const server = new Worker(new URL("./fake/sqs.ts", import.meta.url));
    try {
      const [queueUrl]: unknown[] = await once(server, "message");
      if (typeof queueUrl !== "string") throw new Error("the server did not say where it is");
      const env = {
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_ENDPOINT_URL: new URL(queueUrl).origin,
        SQS_QUEUE_URL: queueUrl,
      };
      // The client's SDK finds credentials in the environment of the process only.
      Object.assign(process.env, env);
      return [...(await compareSpeed(folder, env)), memory(folder, env)];
    } finally {
      await server.terminate();
    }
  },
};

interface Environment extends NodeJS.ProcessEnv {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
  readonly AWS_ENDPOINT_URL: string;
  readonly SQS_QUEUE_URL: string;
}

async function compareSpeed(folder: string, env: Environment): Promise<Row[]> {
  const { SQS_QUEUE_URL: queueUrl, AWS_ENDPOINT_URL: endpoint } = env;
  const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY };
  const sqs = new SQSClient({ region: "eu-west-1", endpoint, credentials });
  const producer = Producer.create({ queueUrl, sqs });
  const pipeline = new Pipeline(env);
  const file = promptFile(folder, PROMPTS);
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
  const baselines = {
    "the emulator's own limit: ready-made requests, as many at once": () => flood(queueUrl, bodies),
    "sqs-producer": () => producer.send(bodies.map((body, index) => ({ id: String(index), body }))),
    "one by one, with the SDK": async () => {
      for (const MessageBody of bodies) {
        await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
      }
    },
  };
  const client: number[] = [];
  const others = Object.entries(baselines).map(([against, send]) => {
    const times: number[] = [];
    return { against, send, times };
  });
  // In turn, so that a machine whose speed drifts slows all of them down alike. The first round is a warm-up.
  for (let round = 0; round <= ROUNDS; round++) {
    const time = await timeOf(sendWithClient);
    if (round > 0) client.push(time);
    for (const { send, times } of others) {
      const time = await timeOf(send);
      if (round > 0) times.push(time);
    }
  }
  const what = `sending ${PROMPTS} prompts with the client`;
  return [
    { what, against: "", unit: "ms", values: client },
    ...others.map(({ against, times }): Row => {
      return { what, against, unit: "×", values: pairwise(client, times, (one, other) => one / other) };
    }),
  ];
}

async function timeOf(send: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await send();
  return performance.now() - started;
}

/** Sends the bodies without a client: neither signed nor checked. */
async function flood(queueUrl: string, bodies: readonly string[]): Promise<void> {
  const { origin } = new URL(queueUrl);
  const batches = Array.from({ length: bodies.length / BATCH }, (_, batch) =>
    JSON.stringify({
      QueueUrl: queueUrl,
      Entries: bodies
        .slice(batch * BATCH, (batch + 1) * BATCH)
        .map((MessageBody, index) => ({ Id: String(index), MessageBody })),
    }),
  );
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "AmazonSQS.SendMessageBatch",
  };
  await pMap(
    batches,
    async (body) => {
      const response = await fetch(origin, { method: "POST", headers, body });
      if (!response.ok) throw new Error(`the emulator refused a batch: ${response.status}`);
      await response.arrayBuffer();
    },
    { concurrency: CALLS_AT_ONCE },
  );
}

function memory(folder: string, env: Environment): Row {
  const peaks = [FEW, MANY].map((count) => peakMegabytes(promptFile(folder, count), env));
  const [few = Number.NaN, many = Number.NaN] = peaks;
  return {
    what: `memory of the client at its peak, sending ${MANY} prompts`,
    against: `sending ${FEW}`,
    unit: "×",
    values: [many / few],
    target: 1.5,
  };
}

/** What a client's process takes at the most while it sends. */
function peakMegabytes(file: string, env: Environment): number {
  const report = "process.on('exit',()=>process._rawDebug(process.resourceUsage().maxRSS))";
  const { status, stderr } = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${report}`, "client/index.ts", "--file", file],
    { encoding: "utf8", maxBuffer: 100_000_000, env },
  );
  if (status !== 0) throw new Error(`the client failed: ${stderr}`);
  return Math.round(Number(stderr.trim().split("\n").at(-1)) / 1000);
}

function promptFile(folder: string, count: number): string {
  const path = join(folder, `${count}.txt`);
  writeFileSync(path, Array.from({ length: count }, (_, index) => `${prompt(index)}\n`).join(""));
  return path;
}

function prompt(index: number): string {
  return `A fjord at night, number ${index}`;
}
