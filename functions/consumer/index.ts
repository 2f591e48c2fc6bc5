import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { CALL_LIMITS } from "../domain/call-limits.ts";
import { Images } from "../domain/images.ts";
import { Ledger } from "../domain/ledger.ts";
import { Metrics } from "../domain/metrics.ts";
import { ObjectStore } from "../domain/object-store.ts";
import { backOffSeconds } from "./back-off.ts";
import { type ConsumeOptions, consume, isNearlyUsedUp, type Outcome, receivesOf } from "./consume.ts";
import { ModelChain } from "./model-chain.ts";
import { firstSentAt, hide, renew } from "./postpone.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings(process.env);
const sqs = new SQSClient({ requestHandler: CALL_LIMITS });
const store = new ObjectStore(new S3Client({ requestHandler: CALL_LIMITS }), settings.IMAGE_BUCKET);
const metrics = new Metrics(settings.ENVIRONMENT);
const images = new Images(store, settings.KEY_PREFIX);
const options: ConsumeOptions = {
  images,
  metrics,
  ledger: new Ledger({
    store,
    images,
    keyPrefix: settings.KEY_PREFIX,
    leaseMs: settings.LEASE_SECONDS * 1000,
    codeVersion: settings.CODE_VERSION,
  }),
  // Without a handler of its own the client speaks HTTP/2, for which no connection time-out can be set. The SDK may try
  // once only: a call whose connection broke may have been paid, and a second one of the SDK's would be paid unseen.
  chain: new ModelChain(
    settings.MODEL_CHAIN,
    (region) =>
      new BedrockRuntimeClient({
        region,
        maxAttempts: 1,
        requestHandler: new NodeHttpHandler({ connectionTimeout: 3_000 }),
      }),
    settings.MODEL_TIMEOUT_SECONDS * 1000,
  ),
  receiveLimit: settings.RECEIVE_LIMIT,
  giveUpAfterMs: settings.GIVE_UP_AFTER_SECONDS * 1000,
};

/** A broken message tries again after a minute at the most: it is to reach the dead-letter queue, and its alarm, soon. */
const LONGEST_BROKEN_WAIT_SECONDS = 60;

/**
 * Paints one prompt. One that is to be tried later is named in the answer: a thrown error would count as an error of the
 * function, and Lambda would poll less for it.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const [message, ...others] = event.Records;
  if (message === undefined || others.length > 0) {
    throw new Error(
      `The event has ${event.Records.length} messages. Set the event source's batch size to 1.`,
    );
  }
  const outcome = await consume(message, Date.now() + context.getRemainingTimeInMillis(), options);
  const isDone = await isFinished(message, outcome);
  return { batchItemFailures: isDone ? [] : [{ itemIdentifier: message.messageId }] };
}

/** Whether the message can be deleted. One that cannot is hidden until its next try. */
async function isFinished(message: SQSRecord, outcome: Outcome): Promise<boolean> {
  if (outcome.kind === "done" || outcome.kind === "rejected") return true;
  const { messageId } = message;
  const receives = receivesOf(message);
  console[outcome.kind === "postponed" ? "info" : "error"]({
    event: outcome.kind,
    messageId,
    receives,
    code: outcome.reason.code,
  });
  metrics.emit({ Retried: 1 }, { Outcome: outcome.kind });
  try {
    if (outcome.kind === "postponed") {
      const seconds = outcome.waitSeconds ?? backOffSeconds(receives);
      if (isNearlyUsedUp(message, settings.RECEIVE_LIMIT)) {
        const firstSent = firstSentAt(message, options.giveUpAfterMs);
        await renew(sqs, settings.SQS_QUEUE_URL, message, { request: outcome.request, firstSent, seconds });
        return true;
      }
      await hide(sqs, settings.SQS_QUEUE_URL, message, seconds);
    } else {
      const seconds = backOffSeconds(receives);
      const longest = outcome.kind === "broken" ? LONGEST_BROKEN_WAIT_SECONDS : seconds;
      const isLast = receives >= settings.RECEIVE_LIMIT;
      await hide(sqs, settings.SQS_QUEUE_URL, message, isLast ? 0 : Math.min(seconds, longest));
    }
  } catch (error) {
    // The message comes back all the same, when its visibility timeout ends.
    console.error({ event: "not hidden", messageId, code: error instanceof Error ? error.name : "unknown" });
  }
  return false;
}
