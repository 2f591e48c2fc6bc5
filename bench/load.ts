import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { App } from "cdktf";
import { z } from "zod";
import { checkSettings } from "../config/check.ts";
import { settings as dev } from "../config/environments/dev.ts";
import { PipelineStack } from "../constructs/pipeline-stack.ts";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { makePicture } from "./fake/model.ts";
import { CannotMeasureError } from "./table.ts";
import { WAYS, type Way } from "./ways.ts";

export interface Load {
  /** When each prompt is sent, in milliseconds after the first one, in order. */
  readonly sentAt: readonly number[];
  /** How long the model takes for each of them, in milliseconds. */
  readonly modelMs: readonly number[];
  /** Calls at once that the model takes. */
  readonly concurrency: number;
  /** Share of calls that are throttled, 0 to 1. */
  readonly throttle: number;
}

/** Times from sending a prompt to its stored picture, and when that was after the first was sent, in milliseconds. */
export interface Painted {
  readonly waits: readonly number[];
  readonly arrivals: readonly number[];
}

/** Small: the processors of one machine stand in for all functions, the model and the bucket. */
const PICTURE = makePicture(20_000);
const SQS_BATCH = 10;
/** For each call at once. */
const BUDGET_USD_PER_CALL = 5000;
/** On a busy machine calls time out, and a message comes back after its visibility timeout, which is longer. */
const LONGEST_MS = 420_000;

const paintedSchema = z.object({
  message: z.object({ event: z.literal("painted"), requestId: z.string() }),
});

/** Sends prompts through the synthesised stack on the local cloud. Both lists have the order of the load. */
export async function paintLoad(load: Load, way: Way = "one prompt an invocation"): Promise<Painted> {
  const { sentAt, modelMs, concurrency, throttle } = load;
  const painter = {
    // The prompt is the number of its picture.
    async paint({ prompt }: { readonly prompt: string }) {
      await setTimeout(modelMs[Number(prompt)]);
      return PICTURE;
    },
    async stop() {},
  };
  const trouble = { latencyMs: 0, throttle, seed: 1 };
  return await onCloud(concurrency, { painter, trouble, eventSources: false }, async (cloud) => {
    const arrivals: number[] = [];
    const waits: number[] = [];
    const { promise: allThere, resolve, reject } = Promise.withResolvers<void>();
    let missing = sentAt.length;
    let started = 0;
    const stop = await WAYS[way](cloud, concurrency, (line) => {
      if (!line.startsWith("{")) return;
      const { data } = paintedSchema.safeParse(JSON.parse(line));
      if (data === undefined) return;
      const prompt = Number(data.message.requestId);
      arrivals[prompt] = performance.now() - started;
      waits[prompt] = arrivals[prompt] - (sentAt[prompt] ?? 0);
      missing -= 1;
      if (missing === 0) resolve();
    });
    cloud.events.on("invocation", ({ outcome }) => {
      if (outcome.type !== "error") return;
      reject(new CannotMeasureError(`the consumer failed: ${outcome.error.errorMessage}`));
    });
    const lost = `a prompt was not painted within ${LONGEST_MS / 60_000} minutes`;
    const limit = AbortSignal.timeout(LONGEST_MS);
    limit.addEventListener("abort", () => reject(new CannotMeasureError(lost)));
    // It may fail before it is waited for.
    allThere.catch(() => {});
    started = performance.now();
    for (let next = 0; next < sentAt.length; ) {
      await setTimeout(started + (sentAt[next] ?? 0) - performance.now());
      const now = performance.now() - started;
      const Entries: { Id: string; MessageBody: string }[] = [];
      for (; (sentAt[next] ?? now + 1) <= now && Entries.length < SQS_BATCH; next++) {
        const prompt = String(next);
        Entries.push({ Id: prompt, MessageBody: JSON.stringify({ requestId: prompt, prompt }) });
      }
      if (Entries.length === 0) continue;
      await cloud.sqs.send(new SendMessageBatchCommand({ QueueUrl: cloud.queueUrl, Entries }));
    }
    await allThere.finally(stop);
    return { arrivals, waits };
  });
}

/** Runs the pipeline of `dev` on the local cloud as long as it is used, with another limit of its first model. */
export async function onCloud<T>(
  concurrency: number,
  options: Pick<Parameters<typeof startCloud>[0], "painter" | "trouble" | "eventSources">,
  use: (cloud: Cloud) => Promise<T>,
): Promise<T> {
  const [first] = dev.models;
  // Enough that no alarm on spending stops the consumer.
  const monthlyBudgetUsd = BUDGET_USD_PER_CALL * concurrency;
  const checked = checkSettings({ ...dev, monthlyBudgetUsd, models: [{ ...first, concurrency }] });
  if (!checked.ok) throw new Error(checked.problems.map(({ message }) => message).join("; "));
  const outdir = mkdtempSync(join(tmpdir(), "couch-bench-"));
  const app = new App({ outdir });
  new PipelineStack(app, "pipeline", checked.settings);
  app.synth();
  const cloud = await startCloud({ stackDir: join(outdir, "stacks", "pipeline"), port: 0, ...options });
  try {
    return await use(cloud);
  } finally {
    await cloud.stop();
  }
}
