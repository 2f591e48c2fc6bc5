// What the consumer's bundle costs before it can take its first message, against a handler that does nothing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { unzipSync } from "fflate";
import { bundle } from "../constructs/bundle.ts";
import { formatMs, timeProcesses } from "./measure.ts";

const ROUNDS = 15;

const folder = mkdtempSync(join(tmpdir(), "couch-bench-"));
try {
  const zipped = readFileSync(bundle("functions/consumer/index.ts").zip);
  const code = unzipSync(zipped)["index.js"];
  if (code === undefined) throw new Error("the consumer's zip has no index.js");
  const consumer = join(folder, "consumer.mjs");
  const empty = join(folder, "empty.mjs");
  writeFileSync(consumer, code);
  writeFileSync(empty, "export const handler = async () => ({ batchItemFailures: [] });\n");

  const env = {
    AWS_REGION: "eu-west-1",
    IMAGE_BUCKET: "bench",
    KEY_PREFIX: "",
    SQS_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/000000000000/bench",
    MODEL_CHAIN: JSON.stringify([
      { id: "bench", region: "us-west-2", pricePerImageUsd: 0.04, takesMode: false, slots: 1 },
    ]),
    MODEL_TIMEOUT_SECONDS: "50",
    LEASE_SECONDS: "150",
    RECEIVE_LIMIT: "10",
    GIVE_UP_AFTER_SECONDS: "345600",
    CODE_VERSION: "bench",
  };
  const load = (name: string, file: string) => ({
    name,
    args: ["--input-type=module", "--eval", `await import(${JSON.stringify(pathToFileURL(file).href)})`],
    env,
  });
  const [loaded, floor] = timeProcesses(
    [load("the consumer", consumer), load("an empty handler", empty)],
    ROUNDS,
  );
  if (loaded === undefined || floor === undefined) throw new Error("nothing was timed");

  console.log(`Start-up, median (fastest to slowest) of ${ROUNDS} processes each, in turn:`);
  console.log(`  empty handler  ${formatMs(floor)}`);
  console.log(`  consumer       ${formatMs(loaded)}`);
  console.log(`  ratio          ${(loaded.median / floor.median).toFixed(2)}`);
  console.log(`Size: bundle ${kilobytes(code.length)}, zip ${kilobytes(zipped.length)}`);
} finally {
  rmSync(folder, { recursive: true });
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
