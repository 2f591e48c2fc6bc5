import { mkdtempSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { App } from "cdktf";
import { z } from "zod";
import { settings as dev } from "../config/environments/dev.ts";
import { checkSettings, type SettingsInput } from "../config/settings.ts";
import { PipelineStack } from "../constructs/pipeline-stack.ts";
import { startCloud } from "../local/cloud.ts";
import type { Trouble } from "../local/model/trouble.ts";
import { makePicture } from "./fake/picture.ts";
import { CannotMeasureError, type Part, type Row } from "./table.ts";

export interface Load {
  readonly prompts: number;
  /** Calls at once that the model takes. */
  readonly concurrency: number;
  /** The consumer's settings that differ from those of `dev`. */
  readonly consumer?: Partial<SettingsInput["consumer"]>;
  readonly trouble: Trouble;
  /** What the model gives for every prompt. */
  readonly picture: Buffer;
}

/** One invocation of the consumer. */
export interface Batch {
  /** How long the longest call of a model took, with its retries, in milliseconds. */
  readonly longestCallMs: number;
}

export interface Painting {
  /** When each picture was there, in milliseconds after the first prompt was sent, in that order. */
  readonly arrivals: readonly number[];
  readonly batches: readonly Batch[];
}

const paintedSchema = z.object({
  requestId: z.string(),
  message: z.object({ event: z.literal("painted"), modelMs: z.number() }),
});

/** Sends all prompts at once through the synthesised stack on the local cloud and waits for the last picture. */
export async function paintAll(load: Load): Promise<Painting> {
  const cloud = await startCloud({
    stackDir: synthesise(load),
    port: 0,
    trouble: load.trouble,
    painter: { paint: async () => load.picture, stop: async () => {} },
  });
  try {
    const arrivals: number[] = [];
    const batches: Batch[] = [];
    const longestCalls = new Map<string, number>();
    cloud.events.on("line", ({ line }) => {
      if (!line.startsWith("{")) return;
      const { data } = paintedSchema.safeParse(JSON.parse(line));
      if (data === undefined) return;
      const { requestId, message } = data;
      longestCalls.set(requestId, Math.max(message.modelMs, longestCalls.get(requestId) ?? 0));
    });
    const { promise: allThere, resolve, reject } = Promise.withResolvers<void>();
    cloud.events.on("invocation", ({ outcome, requestId }) => {
      if (outcome.type === "error") reject(new Error(`the consumer failed: ${outcome.error.errorMessage}`));
      batches.push({ longestCallMs: longestCalls.get(requestId) ?? 0 });
    });
    const started = performance.now();
    cloud.events.on("batch", ({ messageIds, failedMessageIds }) => {
      for (let done = failedMessageIds.length; done < messageIds.length; done++) {
        arrivals.push(performance.now() - started);
      }
      if (arrivals.length === load.prompts) resolve();
    });
    for (let sent = 0; sent < load.prompts; sent += 10) {
      const count = Math.min(10, load.prompts - sent);
      const Entries = Array.from({ length: count }, (_, index) => ({
        Id: String(index),
        MessageBody: `Me on top of K2, view ${sent + index}`,
      }));
      await cloud.sqs.send(new SendMessageBatchCommand({ QueueUrl: cloud.queueUrl, Entries }));
    }
    await allThere;
    return { arrivals, batches };
  } finally {
    await cloud.stop();
  }
}

function synthesise({ concurrency, consumer }: Load): string {
  const [first] = dev.models;
  if (first === undefined) throw new Error("dev has a model");
  const checked = checkSettings({
    ...dev,
    models: [{ ...first, concurrency }],
    consumer: { ...dev.consumer, ...consumer },
  });
  if (!checked.ok) throw new Error(checked.problems.map(({ message }) => message).join("; "));
  const outdir = mkdtempSync(join(tmpdir(), "couch-bench-"));
  const app = new App({ outdir });
  new PipelineStack(app, "pipeline", checked.settings);
  app.synth();
  return join(outdir, "stacks", "pipeline");
}

const ROUNDS = 3;
const PROMPTS = 1000;
const CONCURRENCY = 50;
const LATENCY_MS = 10_000;
/** Small: the processors of this machine stand in for five functions, the model and the bucket. */
const PICTURE = makePicture(20_000);
/** Part of the processors that others may use while it is measured. */
const BUSIEST = 0.5;

/** How long 1,000 prompts at once take, against prompts × latency ÷ concurrency. */
export const makespan: Part = {
  name: "makespan",
  quick: false,
  async run() {
    const [load = 0] = loadavg();
    // What is measured would be how busy the machine is, not how long painting takes.
    if (load > BUSIEST * availableParallelism()) {
      throw new CannotMeasureError(`others keep this machine busy (load ${load}); try again when it is idle`);
    }
    const cases = [
      { throttle: 0, target: 1.03 },
      { throttle: 0.1, target: 1.1 },
    ];
    // All at once, because they wait for the model nearly all of the time: a part of its latency apart, they do not meet.
    const apart = LATENCY_MS / (cases.length * ROUNDS);
    return await Promise.all(
      cases.map(
        async ({ throttle, target }, index): Promise<Row> => ({
          what: `makespan of ${PROMPTS} prompts, ${throttle * 100} % throttled`,
          against: `${CONCURRENCY} at once, ${LATENCY_MS / 1000} s each`,
          unit: "×",
          values: await Promise.all(
            Array.from({ length: ROUNDS }, (_, round) =>
              paintAfter((index * ROUNDS + round) * apart, throttle, round),
            ),
          ),
          target,
        }),
      ),
    );
  },
};

async function paintAfter(waitMs: number, throttle: number, seed: number): Promise<number> {
  await setTimeout(waitMs);
  const { arrivals } = await paintAll({
    prompts: PROMPTS,
    concurrency: CONCURRENCY,
    consumer: { batchSize: 10 },
    trouble: { latencyMs: LATENCY_MS, throttle, seed },
    picture: PICTURE,
  });
  return (arrivals.at(-1) ?? Number.NaN) / ((PROMPTS * LATENCY_MS) / CONCURRENCY);
}
