import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";
import { z } from "zod";
import { bundle } from "../../constructs/bundle.ts";
import type { WorkOrder, WorkReport } from "./work.ts";

const callsSchema = z.record(z.string(), z.number());
const startedSchema = z.object({ endpoint: z.url() });
const reportSchema = z.object({
  cpuMs: z.number(),
  peakMb: z.number(),
}) satisfies z.ZodType<WorkReport>;

/** The consumer's bundle, unpacked, and a fake AWS for it. */
export interface Workshop {
  /** Starts a process, has it paint, and ends it. */
  work(order: Omit<WorkOrder, "codeDirectory" | "endpoint">): Promise<WorkReport>;
  /** The calls of AWS since this was last asked, by kind. */
  calls(): Promise<Readonly<Record<string, number>>>;
}

/**
 * Opens a workshop as long as it is used.
 * @param memoryMb the most memory of the function, in megabytes
 */
export async function inWorkshop<T>(memoryMb: number, use: (workshop: Workshop) => Promise<T>): Promise<T> {
  const codeDirectory = unpack("functions/consumer/index.ts");
  const server = fork(fileURLToPath(new URL("./aws.ts", import.meta.url)));
  const [started] = await once(server, "message");
  const { endpoint } = startedSchema.parse(started);
  const workshop: Workshop = {
    async work(order) {
      const child = fork(fileURLToPath(new URL("./work.ts", import.meta.url)), {
        env: consumerEnvironment(endpoint),
        // A profile that was asked for is made of the workers too.
        execArgv: [...process.execArgv, `--max-old-space-size=${memoryMb}`],
        // The consumer writes its metrics to stdout.
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      const exit = once(child, "exit");
      const answer = Promise.race([once(child, "message"), exit]);
      child.send({ ...order, codeDirectory, endpoint } satisfies WorkOrder);
      const [report] = await answer;
      await exit;
      if (typeof report !== "object") throw new Error(`the ${order.worker} ended without a report`);
      return reportSchema.parse(report);
    },
    async calls() {
      const response = await fetch(`${endpoint}/_calls`);
      return callsSchema.parse(await response.json());
    },
  };
  try {
    return await use(workshop);
  } finally {
    const exit = once(server, "exit");
    server.disconnect();
    await exit;
  }
}

/** Unpacks the zip of a function, as it is uploaded, into a new folder. */
export function unpack(entry: string): string {
  const folder = mkdtempSync(join(tmpdir(), "couch-bench-"));
  const files = unzipSync(readFileSync(bundle(entry).zip));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** The environment variables of the consumer. All of AWS is at the endpoint. */
export function consumerEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    AWS_ENDPOINT_URL: endpoint,
    IMAGE_BUCKET: "bench",
    KEY_PREFIX: "",
    EVENT_BUS: "bench",
    SQS_QUEUE_URL: `${endpoint}/000000000000/bench`,
    MODEL_CHAIN: JSON.stringify([
      { id: "stability.stable-image-core-v1:1", region: "us-west-2", pricePerImageUsd: 0.04 },
    ]),
    MODEL_TIMEOUT_SECONDS: "50",
    LEASE_SECONDS: "150",
    RECEIVE_LIMIT: "10",
    GIVE_UP_AFTER_SECONDS: "864000",
    ENVIRONMENT: "bench",
    ROLE_ID: "bench",
    CODE_VERSION: "bench",
  };
}
