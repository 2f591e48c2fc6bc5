/** One thread of the painter pool. */
import { parentPort } from "node:worker_threads";
import { paint } from "./painter/paint.ts";
import type { PaintJob, PaintResult } from "./painter-pool.ts";

const port = parentPort;
port?.on("message", (job: PaintJob) => {
  paint(job).then(
    (image) => port.postMessage({ type: "painted", image } satisfies PaintResult),
    (error: unknown) => port.postMessage({ type: "failed", message: String(error) } satisfies PaintResult),
  );
});
