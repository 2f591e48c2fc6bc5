import { mkdtempSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { App } from "cdktf";
import { z } from "zod";
import { checkSettings } from "../config/check.ts";
import { settings as dev } from "../config/environments/dev.ts";
import { PipelineStack } from "../constructs/pipeline-stack.ts";
import { startCloud } from "../local/cloud.ts";
import type { Trouble } from "../local/model/trouble.ts";
import { makePicture } from "./fake/picture.ts";
import { CannotMeasureError, type Part, type Row } from "./table.ts";

export interface Load {
  readonly prompts: number;
  /** Calls at once that the model takes. */
  readonly concurrency: number;
  readonly trouble: Trouble;
  /** What the model gives for every prompt. */
  readonly picture: Buffer;
}

export interface Painting {
  /** When each picture was there, in milliseconds after the first prompt was sent, in that order. */
  readonly arrivals: readonly number[];
  /** How long the model took for each of them, in milliseconds. */
  readonly modelMs: readonly number[];
}

const paintedSchema = z.object({
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
    const modelMs: number[] = [];
    cloud.events.on("line", ({ line }) => {
      if (!line.startsWith("{")) return;
      const { data } = paintedSchema.safeParse(JSON.parse(line));
      if (data !== undefined) modelMs.push(data.message.modelMs);
    });
    const { promise: allThere, resolve, reject } = Promise.withResolvers<void>();
    cloud.events.on("invocation", ({ outcome }) => {
      if (outcome.type === "error") reject(new Error(`the consumer failed: ${outcome.error.errorMessage}`));
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
    return { arrivals, modelMs };
  } finally {
    await cloud.stop();
  }
}

function synthesise({ concurrency }: Load): string {
  const [first] = dev.models;
  if (first === undefined) throw new Error("dev has a model");
  const checked = checkSettings({ ...dev, models: [{ ...first, concurrency }] });
  if (!checked.ok) throw new Error(checked.problems.map(({ message }) => message).join("; "));
  const outdir = mkdtempSync(join(tmpdir(), "couch-bench-"));
  const app = new App({ outdir });
  new PipelineStack(app, "pipeline", checked.settings);
  app.synth();
  return join(outdir, "stacks", "pipeline");
}

const PROMPTS = 1000;
const CONCURRENCY = 50;
const LATENCY_MS = 10_000;
/** Small: the processors of this machine stand in for fifty functions, the model and the bucket. */
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
    const rows: Row[] = [];
    // One after the other: each has fifty processes of the function.
    for (const { throttle, target } of [
      { throttle: 0, target: 1.03 },
      { throttle: 0.1, target: 1.1 },
    ]) {
      const { arrivals } = await paintAll({
        prompts: PROMPTS,
        concurrency: CONCURRENCY,
        trouble: { latencyMs: LATENCY_MS, throttle, seed: 1 },
        picture: PICTURE,
      });
      rows.push({
        what: `makespan of ${PROMPTS} prompts, ${throttle * 100} % throttled`,
        against: `${CONCURRENCY} at once, ${LATENCY_MS / 1000} s each`,
        unit: "×",
        values: [(arrivals.at(-1) ?? Number.NaN) / ((PROMPTS * LATENCY_MS) / CONCURRENCY)],
        target,
      });
    }
    return rows;
  },
};
