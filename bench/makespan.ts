import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { App } from "cdktf";
import { z } from "zod";
import { settings as dev } from "../config/environments/dev.ts";
import { checkSettings, type SettingsInput } from "../config/settings.ts";
import { PipelineStack } from "../constructs/pipeline-stack.ts";
import { startCloud } from "../local/cloud.ts";
import type { Trouble } from "../local/trouble.ts";
import { PICTURE } from "./fake/picture.ts";

export interface Load {
  readonly prompts: number;
  /** Calls at once that the model takes. */
  readonly concurrency: number;
  /** The consumer's settings that differ from those of `dev`. */
  readonly consumer?: Partial<SettingsInput["consumer"]>;
  readonly trouble: Trouble;
}

/** One invocation of the consumer. Times are in milliseconds. */
export interface Batch {
  /** Of a cold start. */
  readonly initMs: number | undefined;
  readonly durationMs: number;
  /** Of the longest call of a model, with its retries. */
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
    painter: { paint: async () => PICTURE, stop: async () => {} },
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
    cloud.events.on("invocation", ({ outcome, requestId, initMs, durationMs }) => {
      if (outcome.type === "error") reject(new Error(`the consumer failed: ${outcome.error.errorMessage}`));
      batches.push({ initMs, durationMs, longestCallMs: longestCalls.get(requestId) ?? 0 });
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
