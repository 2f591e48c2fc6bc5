// What the consumer does with the answer of a model, and nothing else of it.
import { S3Client } from "@aws-sdk/client-s3";
import { readAnswer } from "../../functions/consumer/model-answer.ts";
import { Images } from "../../functions/domain/images.ts";
import { ObjectStore } from "../../functions/domain/object-store.ts";

const images = new Images(new ObjectStore(new S3Client(), "bench"), "");

/** Decodes, hashes and stores the picture of an answer. */
export async function store(answer: Uint8Array, requestId: string): Promise<void> {
  const painted = readAnswer(answer, 0, 0);
  if (painted.kind !== "painted") throw new Error(`no picture: ${painted.reason.message}`);
  const { bytes, seed, modelMs } = painted;
  const details = { seed, modelMs, model: "bench", region: "bench", costUsd: 0 };
  await images.store({ requestId, prompt: "", aspectRatio: "1:1", outputFormat: "png" }, bytes, details);
}
