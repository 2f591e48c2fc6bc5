/** Loaded into each execution environment before Lambda's runtime: gives it the simulation's clock, and tells its size. */
import { getActiveResourcesInfo } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { z } from "zod";
import { clock } from "./clock.ts";

/** How often an environment measures itself, in invocations: a full collection takes its time. */
const MEASURE_EVERY = 5;

const invokeSchema = z.object({ deadline: z.number() });
const lifetimeMs = Number(process.env.CHAOS_LIFETIME_MS);

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");
let invocations = 0;

process.on("message", (message) => {
  const { success, data } = invokeSchema.safeParse(message);
  if (!success) return;
  clock.set(data.deadline - lifetimeMs);
  invocations += 1;
  if (invocations % MEASURE_EVERY !== 0) return;
  if (typeof collectGarbage === "function") collectGarbage();
  const usage = { heapBytes: process.memoryUsage().heapUsed, handles: getActiveResourcesInfo().length };
  process.stdout.write(
    `${JSON.stringify({ chaos: { environment: process.env.AWS_ACCESS_KEY_ID, invocations, ...usage } })}\n`,
  );
});
