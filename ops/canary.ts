import { setTimeout } from "node:timers/promises";
import { GetObjectCommand, NoSuchKey, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { QueueDoesNotExist, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { loadSettings } from "../config/load.ts";
import { DeployError, explainAws } from "./errors.ts";
import { preflight } from "./preflight.ts";
import { command, environment, openPipeline, terraform } from "./tool.ts";

const POLL_SECONDS = 3;

const outputsSchema = z.object({
  sqs_queue_url: z.object({ value: z.url() }),
  image_bucket: z.object({ value: z.string() }),
});
const recordSchema = z.object({
  status: z.enum(["queued", "generating", "succeeded", "rejected", "failed"]),
  reason: z.object({ message: z.string() }).optional(),
});

await command(async () => {
  const settings = await loadSettings(environment);
  await preflight(settings);
  await openPipeline();
  const printed = await terraform("pipeline", ["output", "-json"], { quiet: true });
  const { data: outputs } = outputsSchema.safeParse(JSON.parse(printed));
  if (outputs === undefined) {
    throw new DeployError(
      `${settings.suffix} is not deployed: its state has no queue and no bucket. Type: ENVIRONMENT=${environment} npm run deploy`,
    );
  }
  const requestId = `canary-${Date.now()}`;
  await new SQSClient({ region: settings.region })
    .send(
      new SendMessageCommand({
        QueueUrl: outputs.sqs_queue_url.value,
        MessageBody: JSON.stringify({ prompt: "A canary on a couch on top of K2", requestId }),
      }),
    )
    .catch((error: unknown) => {
      throw error instanceof QueueDoesNotExist
        ? createMissingError(`queue ${outputs.sqs_queue_url.value}`)
        : explainAws(error);
    });
  const { imageBucket, consumer } = settings;
  const prefix = imageBucket.kind === "existing" ? imageBucket.keyPrefix : "";
  const key = `${prefix}requests/${requestId}.json`;
  // Long enough for one invocation that fails and a second one.
  const limitSeconds = Number(process.env.CANARY_SECONDS ?? 2 * consumer.timeoutSeconds);
  const s3 = new S3Client({ region: settings.region });
  const bucket = outputs.image_bucket.value;
  const deadline = Date.now() + limitSeconds * 1000;
  while (Date.now() < deadline) {
    const record = await readRecord(s3, bucket, key);
    if (record?.status === "succeeded") {
      console.log(`The canary was painted: s3://${bucket}/${key}`);
      return;
    }
    if (record?.status === "rejected" || record?.status === "failed") {
      throw new DeployError(
        `The canary ${requestId} was ${record.status}: ${record.reason?.message ?? "no reason given"}. Type: aws logs tail /aws/lambda/image-processor-${settings.suffix} --since 10m`,
      );
    }
    await setTimeout(POLL_SECONDS * 1000);
  }
  throw new DeployError(
    `The canary ${requestId} was not painted within ${limitSeconds} s. Type: aws logs tail /aws/lambda/image-processor-${settings.suffix} --since 10m`,
  );
});

function createMissingError(what: string): DeployError {
  return new DeployError(
    `The ${what} does not exist any more. To see what a deploy would create again, type: ENVIRONMENT=${environment} npm run plan`,
  );
}

async function readRecord(s3: S3Client, bucket: string, key: string) {
  try {
    const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return recordSchema.parse(JSON.parse((await body?.transformToString()) ?? ""));
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    if (error instanceof S3ServiceException && error.name === "NoSuchBucket")
      throw createMissingError(`bucket ${bucket}`);
    throw explainAws(error);
  }
}
