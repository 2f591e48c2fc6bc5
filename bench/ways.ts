import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { unzipSync, zipSync } from "fflate";
import type { Cloud } from "../local/cloud.ts";
import { EventSource } from "../local/lambda/event-source.ts";
import { unpack } from "./fake/start.ts";

/** How prompts come to the same consumer. */
export const wayNames = ["one prompt an invocation", "batches of ten", "a service that polls"] as const;

export type Way = (typeof wayNames)[number];

/**
 * Starts to take prompts from the queue of a cloud without event sources.
 * @param callsAtOnce that the model takes
 * @param onLine told of each line that the consumer writes
 * @returns what stops it
 */
type Start = (
  cloud: Cloud,
  callsAtOnce: number,
  onLine: (line: string) => void,
) => Promise<() => Promise<void>>;

export const WAYS: Readonly<Record<Way, Start>> = {
  "one prompt an invocation": invokeWithOne,
  "batches of ten": invokeWithTen,
  "a service that polls": runService,
};

const BATCH = 10;
/** Hands each message of a batch to the consumer as an event of its own, all at once. */
const BATCH_HANDLER = `
const { handler } = require("./index.js");
exports.handler = async ({ Records }, context) => {
  const answers = await Promise.all(Records.map((record) => handler({ Records: [record] }, context)));
  return { batchItemFailures: answers.flatMap(({ batchItemFailures }) => batchItemFailures) };
};`;

async function invokeWithOne(...[cloud, callsAtOnce, onLine]: Parameters<Start>) {
  return invoke(cloud, 1, callsAtOnce, onLine);
}

/** A batch ends with its slowest picture, so that fewer invocations must make do for the same calls. */
async function invokeWithTen(...[cloud, callsAtOnce, onLine]: Parameters<Start>) {
  const { target } = consumerOf(cloud);
  const zipFile = `${target.spec.zipFile}.${process.pid}.batch`;
  const files = unzipSync(readFileSync(target.spec.zipFile));
  writeFileSync(zipFile, zipSync({ ...files, "batch.js": Buffer.from(BATCH_HANDLER) }));
  await target.update({ ...target.spec, zipFile, handler: "batch.handler" });
  return invoke(cloud, BATCH, Math.max(2, callsAtOnce / BATCH), onLine);
}

function invoke(cloud: Cloud, batchSize: number, maximumConcurrency: number, onLine: (line: string) => void) {
  const { spec, target } = consumerOf(cloud);
  cloud.events.on("line", ({ line }) => onLine(line));
  const source = new EventSource({
    ...{ target, sqs: cloud.sqs, region: target.spec.region, onBatch: () => {} },
    spec: { ...spec, batchSize, maximumConcurrency },
    onTrouble: (error) => {
      throw error;
    },
  });
  return async () => await source.stop(0);
}

async function runService(...[cloud, callsAtOnce, onLine]: Parameters<Start>) {
  const { target } = consumerOf(cloud);
  const code = unpack("functions/consumer/index.ts");
  const child = fork(
    fileURLToPath(new URL("./fake/service.ts", import.meta.url)),
    [code, String(callsAtOnce)],
    {
      env: {
        ...target.spec.environment,
        AWS_REGION: target.spec.region,
        AWS_ACCESS_KEY_ID: "bench",
        AWS_SECRET_ACCESS_KEY: "bench",
        AWS_ENDPOINT_URL: cloud.endpoint,
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: cloud.bedrock?.endpoint ?? "",
      },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    },
  );
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", onLine);
  await once(child, "message");
  return async () => {
    const exit = once(child, "exit");
    child.disconnect();
    await exit;
  };
}

function consumerOf({ stack, functions }: Cloud) {
  const [spec] = stack.eventSources;
  const target = spec && functions.get(spec.functionName);
  if (spec === undefined || target === undefined) throw new Error("the stack has no event source");
  return { spec, target };
}
