// How fast the client sends, against sending one by one and against sqs-producer, on the local SQS; and what it holds in
// memory meanwhile.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Producer } from "sqs-producer";
import { Pipeline } from "../client/pipeline.ts";
import { RequestIds } from "../client/request-ids.ts";
import { fromFile } from "../client/requests.ts";
import { sendBatches } from "../client/send-batches.ts";
import { figuresOf } from "./measure.ts";

const PROMPTS = 2_000;
const ROUNDS = 5;
const FEW = 1_000;
const MANY = 20_000;

const folder = mkdtempSync(join(tmpdir(), "couch-bench-"));
const server = new Worker(new URL("./sqs-server.ts", import.meta.url));
try {
  const [queueUrl]: unknown[] = await once(server, "message");
  if (typeof queueUrl !== "string") throw new Error("the server did not say where it is");
  const env = {
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL: new URL(queueUrl).origin,
    SQS_QUEUE_URL: queueUrl,
  };
  Object.assign(process.env, env);

  const file = promptFile(PROMPTS);
  const bodies = Array.from({ length: PROMPTS }, (_, index) =>
    JSON.stringify({ requestId: `id-${index}`, prompt: `A fjord at night, number ${index}` }),
  );
  const pipeline = new Pipeline(process.env);
  const sqs = new SQSClient({ region: "eu-west-1", endpoint: env.AWS_ENDPOINT_URL });
  const producer = Producer.create({ queueUrl, sqs });
  const ways = {
    client: () => sendWithClient(pipeline, file),
    "one by one": async () => {
      for (const MessageBody of bodies)
        await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
    },
    "sqs-producer": () => producer.send(bodies.map((body, index) => ({ id: String(index), body }))),
  };
  const speeds = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  // In turn, so that a machine whose speed drifts slows all of them down alike. The first round is a warm-up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, send] of Object.entries(ways)) {
      const started = performance.now();
      await send();
      if (round > 0) speeds.get(name)?.push((PROMPTS * 1000) / (performance.now() - started));
    }
  }

  const medians = new Map([...speeds].map(([name, values]) => [name, figuresOf(values).median]));
  const own = medians.get("client") ?? Number.NaN;
  console.log(
    `Prompts a second, median of ${ROUNDS} rounds of ${PROMPTS}, and how many times faster the client is:`,
  );
  for (const [name, median] of medians) {
    console.log(
      `  ${name.padEnd(14)}${median.toFixed(0).padStart(7)}${(own / median).toFixed(2).padStart(8)}`,
    );
  }
  const few = peakMegabytes(FEW);
  const many = peakMegabytes(MANY);
  console.log(`Peak memory of the client: ${few} MB for ${FEW} prompts, ${many} MB for ${MANY}`);
  console.log(`  ratio ${(many / few).toFixed(2)}`);
} finally {
  await server.terminate();
  rmSync(folder, { recursive: true });
}

function promptFile(count: number): string {
  const path = join(folder, `${count}.txt`);
  writeFileSync(
    path,
    Array.from({ length: count }, (_, index) => `A fjord at night, number ${index}\n`).join(""),
  );
  return path;
}

async function sendWithClient(pipeline: Pipeline, file: string): Promise<void> {
  const ids = new RequestIds("");
  const { requests } = await fromFile(file, {});
  const identified = async function* () {
    for await (const request of requests) yield ids.identify(request);
  };
  for await (const _ of sendBatches(pipeline, identified(), undefined));
}

/** What a client's process takes at the most while it sends, in MB. */
function peakMegabytes(count: number): number {
  const report = "process.on('exit',()=>process._rawDebug(process.resourceUsage().maxRSS))";
  const { status, stderr } = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${report}`, "client/index.ts", "--file", promptFile(count)],
    { encoding: "utf8", maxBuffer: 100_000_000 },
  );
  if (status !== 0) throw new Error(`the client failed: ${stderr}`);
  return Math.round(Number(stderr.trim().split("\n").at(-1)) / 1000);
}
