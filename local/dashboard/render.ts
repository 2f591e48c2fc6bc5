/**
 * Draws the synthesised dashboard with what a run of the local cloud measures: a while in which the first model
 * throttles everything for some minutes. `npm run dashboard:render` keeps the picture in the docs.
 */
import { on } from "node:events";
import { writeFile } from "node:fs/promises";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { type Cloud, startCloud } from "../cloud.ts";
import type { Trouble } from "../model/trouble.ts";
import { synthesise } from "../stack/synthesise.ts";
import { Terraform } from "../stack/terraform.ts";
import { dashboardSchema, drawDashboard } from "./draw.ts";

const PICTURE = new URL("../../docs/images/dashboard.png", import.meta.url);
const FIRST_MODEL = "stability.stable-image-core-v1:1";

const calm: Trouble = { latencyMs: { min: 200, max: 900 }, seed: 7 };
const throttled: Trouble = { ...calm, models: { [FIRST_MODEL]: { every: "ThrottlingException" } } };

/** What happens: so many minutes, with so many prompts each, and a model in this state. */
const phases = [
  { minutes: 8, prompts: 1, trouble: calm },
  { minutes: 3, prompts: 2, trouble: calm },
  { minutes: 8, prompts: 1, trouble: throttled },
  { minutes: 6, prompts: 1, trouble: calm },
] as const;

const synthesised = await synthesise("dev", new AbortController().signal);
if (synthesised === "interrupted") throw new Error("nobody interrupts this");
try {
  await render(synthesised.stackDir);
} finally {
  await synthesised.remove();
}

async function render(stackDir: string): Promise<void> {
  const cloud = await startCloud({ stackDir, port: 0, trouble: calm });
  const from = cloud.cloudWatch.time;
  for (const { minutes, prompts, trouble } of phases) {
    cloud.bedrock?.setTrouble(trouble);
    for (let minute = 0; minute < minutes; minute++) await paint(cloud, prompts);
  }
  const terraform = await Terraform.read({ directory: stackDir, endpoint: cloud.endpoint });
  const [dashboard] = terraform.resources(
    "aws_cloudwatch_dashboard",
    z.object({ dashboard_body: z.string() }),
  );
  const body = dashboardSchema.parse(JSON.parse(dashboard?.dashboard_body ?? ""));
  const range = { from, to: cloud.cloudWatch.time };
  await writeFile(PICTURE, drawDashboard(body, cloud.cloudWatch, range));
  await cloud.stop();
}

/** A minute: its prompts are sent, and painted. */
async function paint(cloud: Cloud, prompts: number): Promise<void> {
  const batches = on(cloud.events, "batch");
  for (let prompt = 0; prompt < prompts; prompt++) {
    const MessageBody = `A lighthouse, ${prompt}`;
    await cloud.sqs.send(new SendMessageCommand({ QueueUrl: cloud.queueUrl, MessageBody }));
  }
  let left = prompts;
  for await (const [{ messageIds }] of batches) {
    left -= messageIds.length;
    if (left <= 0) break;
  }
  cloud.cloudWatch.tick();
}
