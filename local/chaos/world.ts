import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { unzipSync } from "fflate";
import { Images } from "../../functions/domain/images.ts";
import { ObjectStore } from "../../functions/domain/object-store.ts";
import { encodeChunk } from "../../functions/domain/picture-mark.ts";
import { RecordStore } from "../../functions/domain/record-store.ts";
import type { OutputFormat } from "../../functions/domain/request-limits.ts";
import type { WithdrawOptions } from "../../functions/domain/withdraw.ts";
import { type Cloud, startCloud } from "../cloud.ts";
import type { BusEvent } from "../eventbridge/put-events.ts";
import type { PaidCall } from "../model/bedrock.ts";
import type { Trouble } from "../model/trouble.ts";
import type { FunctionSpec } from "../stack/stack.ts";
import { Environments } from "./environments.ts";
import { PromptQueue } from "./prompt-queue.ts";
import { type ProxyOptions, startProxy } from "./proxy.ts";

/** The model's time-out here, in seconds of real time: a call that hangs is to be over soon. */
const MODEL_TIMEOUT_SECONDS = 3;

export interface WorldOptions {
  /** The folder that holds the synthesised `cdk.tf.json`. */
  readonly stackDir: string;
  /** The consumer's bundle. Default: the one that would be uploaded. */
  readonly code?: Uint8Array;
  /** Variables of the consumer that differ from the stack's. */
  readonly variables?: Readonly<Record<string, string>>;
  /** How the stand-in model misbehaves, beside what a plan does to its answers. Default: it works, at once. */
  readonly trouble?: Trouble;
}

/** Who decides on faults, and watches. */
export interface Observer extends Pick<ProxyOptions, "onCall" | "onReached" | "holdUp"> {
  readonly onLine: (line: string) => void;
}

/** The synthesised stack with a clock that can be moved, harm at hand, and nobody who delivers. */
export interface World extends AsyncDisposable {
  readonly queue: PromptQueue;
  readonly deadLetters: PromptQueue;
  readonly environments: Environments;
  /** How long a claim holds, in milliseconds. */
  readonly leaseMs: number;
  /** How long a prompt that nothing can be tried for is re-sent, in milliseconds. */
  readonly giveUpAfterMs: number;
  readonly keyPrefix: string;
  /** What the model has been paid for, oldest first. */
  readonly bill: readonly PaidCall[];
  /** What the event bus has taken, oldest first. */
  readonly told: readonly BusEvent[];
  /** What withdraws requests: the API's and the client's code. */
  readonly withdrawOptions: WithdrawOptions;
  /** The keys of all versions of objects whose keys begin so. */
  versions(prefix: string): Promise<string[]>;
  /** An object as it is in the bucket. */
  object(key: string): Promise<Buffer | undefined>;
  /** Puts this one in charge. */
  observe(observer: Observer): void;
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const cloud = await startCloud({
    stackDir: options.stackDir,
    port: 0,
    eventSources: false,
    // The schedule says which calls meet one.
    conflicts: false,
    trouble: { latencyMs: 0, ...options.trouble },
    painter: { paint: async ({ outputFormat }) => picture(outputFormat), stop: async () => {} },
  });
  try {
    return await build(cloud, options);
  } catch (error) {
    await cloud.stop();
    throw error;
  }
}

async function build(cloud: Cloud, options: WorldOptions): Promise<World> {
  const { bedrock } = cloud;
  if (bedrock === undefined) throw new Error("the simulation runs the stand-in model");
  const spec = consumerOf(cloud);
  let observer: Observer | undefined;
  const told: BusEvent[] = [];
  cloud.events.on("event", (event) => told.push(event));
  const proxy = await startProxy({
    upstream: {
      model: bedrock.endpoint,
      store: cloud.endpoint,
      index: cloud.endpoint,
      queue: cloud.endpoint,
      events: cloud.endpoint,
      control: cloud.endpoint,
    },
    onCall: (call) =>
      observer?.onCall(call) ?? { call, fault: undefined, status: undefined, delivered: false },
    onReached: (...told) => observer?.onReached(...told),
    holdUp: async (call) => observer?.holdUp(call),
    kill: (caller) => environments.kill(caller),
    dateFor: (caller) => new Date(Date.now() + environments.invocationOf(caller).skewMs),
  });
  const variables: Readonly<Record<string, string>> = {
    ...spec.environment,
    SQS_QUEUE_URL: cloud.queueUrl.replace(cloud.endpoint, proxy.endpoint),
    MODEL_TIMEOUT_SECONDS: String(MODEL_TIMEOUT_SECONDS),
    AWS_ENDPOINT_URL: proxy.endpoint,
    ...options.variables,
  };
  const environments = new Environments({
    spec,
    code: options.code ?? (await uploadedCode(spec)),
    variables,
    onLine: (line) => observer?.onLine(line),
  });
  const store = new ObjectStore(cloud.s3, cloud.bucket);
  const queueArn = cloud.stack.queues.find(({ url }) => url === cloud.queueUrl)?.arn ?? "";
  const of = { sqs: cloud.sqs, arn: queueArn, region: spec.region };
  return {
    environments,
    queue: new PromptQueue({ ...of, url: cloud.queueUrl }),
    deadLetters: new PromptQueue({ ...of, url: cloud.deadLetterQueueUrl }),
    leaseMs: Number(variables.LEASE_SECONDS) * 1000,
    giveUpAfterMs: Number(variables.GIVE_UP_AFTER_SECONDS) * 1000,
    keyPrefix: cloud.keyPrefix,
    bill: bedrock.bill,
    told,
    withdrawOptions: {
      ...{ store, keyPrefix: cloud.keyPrefix, codeVersion: "chaos", ifUnknown: "close" },
      records: new RecordStore(store, cloud.keyPrefix),
      images: new Images(store, cloud.keyPrefix),
    },
    async versions(prefix) {
      const response = await fetch(`${cloud.endpoint}/${cloud.bucket}?versions&prefix=${prefix}`);
      return [...(await response.text()).matchAll(/<Key>([^<]*)/g)].map(([, key = ""]) => key);
    },
    // Without the SDK: what is in the bucket is to be seen with other eyes than the consumer's.
    async object(key) {
      const response = await fetch(`${cloud.endpoint}/${cloud.bucket}/${key}`);
      return response.status === 404 ? undefined : Buffer.from(await response.arrayBuffer());
    },
    observe(next) {
      observer = next;
    },
    async [Symbol.asyncDispose]() {
      await environments.stop();
      await proxy.stop();
      await cloud.stop();
    },
  };
}

function consumerOf({ functions }: Cloud): FunctionSpec {
  const consumer = [...functions.values()].find(({ spec }) => spec.environment.MODEL_CHAIN !== undefined);
  if (consumer === undefined) throw new Error("the stack has no consumer");
  return consumer.spec;
}

async function uploadedCode({ zipFile }: FunctionSpec): Promise<Uint8Array> {
  const code = unzipSync(await readFile(zipFile))["index.js"];
  if (code === undefined) throw new Error(`${zipFile} has no index.js`);
  return code;
}

let painted = 0;

/** No two pictures are alike, so that each one in the bucket can be found on the bill. */
function picture(format: OutputFormat): Buffer {
  painted += 1;
  const digest = createHash("sha512").update(String(painted)).digest();
  const pixels = Buffer.concat(Array.from({ length: 16 }, () => digest));
  return Buffer.concat(
    format === "jpeg"
      ? [Buffer.from("ffd8ffda", "hex"), pixels]
      : [
          Buffer.from("89504e470d0a1a0a", "hex"),
          encodeChunk("IHDR", Buffer.alloc(13)),
          encodeChunk("IDAT", pixels),
        ],
  );
}
