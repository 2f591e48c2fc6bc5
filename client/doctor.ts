import { Command } from "commander";
import { explain, oneLine } from "./aws-errors.ts";
import { ClientError, EXIT, interrupted } from "./exit.ts";
import { print } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import { newestRecords } from "./records.ts";

/** How many of the newest requests are looked at. */
const RECORDS_ASKED = 20;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Check settings, credentials, queues, bucket and the model, and say what to fix.")
    .action(async () => {
      const pipeline = new Pipeline(process.env);
      await print("ok  ", "settings:", pipeline.queueUrl, pipeline.region);
      const checks = [
        ["credentials", checkCredentials],
        ["queue", checkQueue],
        ["dead-letter queue", checkDeadLetters],
        ["bucket", checkBucket],
        ["model", checkModel],
      ] as const;
      let failures = 0;
      for (const [name, check] of checks) {
        try {
          await print("ok  ", `${name}:`, await check(pipeline));
        } catch (error) {
          interrupted.throwIfAborted();
          failures += 1;
          await print("FAIL", `${name}:`, explain(error).message);
        }
      }
      if (failures > 0) throw new ClientError(`${failures} of ${checks.length} checks failed.`, EXIT.failed);
    });
}

async function checkCredentials({ sqs }: Pipeline): Promise<string> {
  const { accessKeyId } = await sqs.config.credentials();
  return `access key ${accessKeyId.slice(0, 4)}...${accessKeyId.slice(-4)}`;
}

async function checkQueue(pipeline: Pipeline): Promise<string> {
  const { visible, hidden } = await pipeline.depth();
  return `about ${visible} waiting, ${hidden} being painted`;
}

async function checkDeadLetters(pipeline: Pipeline): Promise<string> {
  const { visible, hidden } = await pipeline.depth(await pipeline.deadLetterQueueUrl());
  const count = visible + hidden;
  return count === 0 ? "empty" : `about ${count}; see them with: image-generator-client dlq list`;
}

async function checkBucket(pipeline: Pipeline): Promise<string> {
  const { bucket, keyPrefix } = await pipeline.imagePlace();
  await newestRecords(pipeline, 1);
  return `s3://${bucket}/${keyPrefix}`;
}

/** The consumer's credentials decide whether the model may be called, not those at hand: its newest answer counts. */
async function checkModel(pipeline: Pipeline): Promise<string> {
  const newest = await newestRecords(pipeline, RECORDS_ASKED);
  for (const { record } of newest.toSorted((a, b) => b.changedAt.localeCompare(a.changedAt))) {
    if (record.status === "succeeded") {
      return `${record.model} in ${record.region} painted at ${record.timings.finishedAt}`;
    }
    const isTried = record.status === "generating" || record.status === "failed";
    if (!isTried || record.reason === undefined) continue;
    const { code, message } = record.reason;
    const fix = MODEL_FIXES[code] ?? `See the request: image-generator-client status ${record.requestId}`;
    throw new ClientError(`${code}: ${oneLine(message)} ${fix}`, EXIT.failed);
  }
  return 'not known yet, as nothing was painted; try: image-generator-client "Me on top of K2" --wait';
}

const MODEL_FIXES: Readonly<Record<string, string>> = {
  AccessDeniedException:
    "The account may have no agreement with the model's provider: an administrator types npm run bootstrap, or opens the model in the playground of Amazon Bedrock, in the model's region.",
  ResourceNotFoundException: "The model is gone: take another one from the catalogue and deploy.",
  ValidationException:
    "The model cannot be called like this: take another one from the catalogue and deploy.",
};
