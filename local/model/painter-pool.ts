import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import type { paint } from "./painter/paint.ts";

export type PaintJob = Parameters<typeof paint>[0];

export type PaintResult =
  | { readonly type: "painted"; readonly image: Uint8Array }
  | { readonly type: "failed"; readonly message: string };

/** Painters at work at once: leaves a core to the rest of the cloud, and two fill any small machine. */
const THREADS = Math.max(1, Math.min(2, availableParallelism() - 1));

/** Paints in worker threads, so that the servers of the local cloud go on answering meanwhile. */
export class PainterPool {
  readonly #limit = pLimit(THREADS);
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  paint(job: PaintJob): Promise<Buffer> {
    return this.#limit(async () => {
      const worker = this.#idle.pop() ?? this.#startWorker();
      const result = await ask(worker, job);
      this.#idle.push(worker);
      if (result.type === "failed") throw new Error(`The stand-in painter failed: ${result.message}`);
      return Buffer.from(result.image);
    });
  }

  async stop(): Promise<void> {
    this.#limit.clearQueue();
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL("./painter-worker.ts", import.meta.url));
    worker.setMaxListeners(0);
    this.#all.add(worker);
    return worker;
  }
}

function ask(worker: Worker, job: PaintJob): Promise<PaintResult> {
  const { promise, resolve } = Promise.withResolvers<PaintResult>();
  const fail = (error: unknown): void => resolve({ type: "failed", message: String(error) });
  const leave = (): void => resolve({ type: "failed", message: "the painter was stopped" });
  worker.once("error", fail);
  worker.once("exit", leave);
  worker.once("message", (result: PaintResult) => {
    worker.off("error", fail);
    worker.off("exit", leave);
    resolve(result);
  });
  worker.postMessage(job);
  return promise;
}
