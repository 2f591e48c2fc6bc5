import { createHash } from "node:crypto";
import { createCanvas } from "@napi-rs/canvas";
import type { Painter } from "../../local/model/bedrock.ts";
import { sizes } from "../../local/model/painter/paint.ts";

/** Paints a picture of one colour in the size and format that were asked for; the same job has the same bytes. */
export const quickPainter: Painter = {
  async paint(job) {
    const { width, height } = sizes[job.aspectRatio];
    const canvas = createCanvas(width, height);
    const context = canvas.getContext("2d");
    context.fillStyle = `#${createHash("sha256").update(JSON.stringify(job)).digest("hex").slice(0, 6)}`;
    context.fillRect(0, 0, width, height);
    return job.outputFormat === "png" ? canvas.encode("png") : canvas.encode("jpeg");
  },
  async stop() {},
};
