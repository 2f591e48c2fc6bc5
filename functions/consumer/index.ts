import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { CALL_LIMITS } from "../domain/call-limits.ts";
import { errorName } from "../domain/error-name.ts";
import { Events } from "../domain/events.ts";
import { Images } from "../domain/images.ts";
import { Ledger } from "../domain/ledger.ts";
import { Metrics } from "../domain/metrics.ts";
import { ObjectStore } from "../domain/object-store.ts";
import { RequestIndex } from "../domain/request-index.ts";
import { type ConsumeOptions, consume } from "./consume.ts";
import { copyBody, type Delivery, partBodies, readDelivery } from "./delivery.ts";
import { ModelChain } from "./model-chain.ts";
import { changeVisibility, resend } from "./queue-actions.ts";
import { decideRedelivery, type Outcome } from "./redelivery.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings(process.env);
const sqs = new SQSClient({ requestHandler: CALL_LIMITS });
const store = new ObjectStore(
  new S3Client({ requestHandler: CALL_LIMITS, cacheMiddleware: true }),
  settings.IMAGE_BUCKET,
);
const metrics = new Metrics(settings.ENVIRONMENT);
const images = new Images(store, settings.KEY_PREFIX);
const options: ConsumeOptions = {
  images,
  metrics,
  events: new Events(settings.EVENT_BUS),
  index: new RequestIndex(store, settings.KEY_PREFIX),
  ledger: new Ledger({
    store,
    images,
    keyPrefix: settings.KEY_PREFIX,
    leaseMs: settings.LEASE_SECONDS * 1000,
    codeVersion: settings.CODE_VERSION,
  }),
  // Without a handler of its own the client speaks HTTP/2, for which no connection time-out can be set. The SDK may try
  // once only: a call whose connection broke may have been paid, and a second one of the SDK's would be paid unseen. Each
  // call opens a connection of its own: one that was idle while the function was frozen is reset, and nothing tells whether
  // the model had read the request. A new connection costs two round trips, and 2 ms of a processor for the handshake.
  chain: new ModelChain(
    settings.MODEL_CHAIN,
    (region) =>
      new BedrockRuntimeClient({
        region,
        maxAttempts: 1,
        requestHandler: new NodeHttpHandler({
          connectionTimeout: 3_000,
          httpAgent: { keepAlive: false },
          httpsAgent: { keepAlive: false },
        }),
      }),
    settings.MODEL_TIMEOUT_SECONDS * 1000,
  ),
  receiveLimit: settings.RECEIVE_LIMIT,
  roleId: settings.ROLE_ID,
  giveUpAfterMs: settings.GIVE_UP_AFTER_SECONDS * 1000,
};

/**
 * Paints one prompt. One that is to be tried later is named in the answer: a thrown error would count as an error of the
 * function, and Lambda would poll less for it. What is thrown is a bug, and is to count as one.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const endsAt = Date.now() + context.getRemainingTimeInMillis();
  const [message, ...others] = event.Records;
  if (message === undefined || others.length > 0) {
    throw new Error(
      `The event has ${event.Records.length} messages. Set the event source's batch size to 1.`,
    );
  }
  const delivery = readDelivery(message, options);
  const parts = partBodies(delivery);
  if (parts.length > 0) {
    return {
      batchItemFailures: (await split(message, parts)) ? [] : [{ itemIdentifier: message.messageId }],
    };
  }
  const outcome = await consume(delivery, endsAt, options);
  const isDone = await redeliver(delivery, outcome);
  if (outcome.kind === "failed" && outcome.bug !== undefined) throw outcome.bug;
  return { batchItemFailures: isDone ? [] : [{ itemIdentifier: message.messageId }] };
}

/**
 * Sends a message for each picture, and returns whether all are sent. If not, the message comes back and all are sent again:
 * the ledger knows them by their request ids.
 */
async function split(message: SQSRecord, parts: readonly string[]): Promise<boolean> {
  try {
    await Promise.all(parts.map((body) => resend(sqs, settings.SQS_QUEUE_URL, message, body, 0)));
    console.info({ event: "split", messageId: message.messageId, pictures: parts.length });
    return true;
  } catch (error) {
    const code = errorName(error);
    console.error({ event: "not split", messageId: message.messageId, code });
    return false;
  }
}

/** Does what is decided on a message, and returns whether it can be deleted. */
async function redeliver(delivery: Delivery, outcome: Outcome): Promise<boolean> {
  const { message, receives } = delivery;
  const { messageId } = message;
  if ("reason" in outcome) {
    const level = outcome.kind === "postponed" ? "info" : "error";
    console[level]({ event: outcome.kind, messageId, receives, code: outcome.reason.code });
    metrics.emit({ Retried: 1 }, { Outcome: outcome.kind });
  }
  const redelivery = decideRedelivery(outcome, delivery, options);
  try {
    switch (redelivery.kind) {
      case "delete":
        return true;
      case "re-send":
        await resend(sqs, settings.SQS_QUEUE_URL, message, copyBody(delivery), redelivery.seconds);
        return true;
      case "wait":
        await changeVisibility(sqs, settings.SQS_QUEUE_URL, message, redelivery.seconds);
        return false;
      case "give up":
        await changeVisibility(sqs, settings.SQS_QUEUE_URL, message, 0);
        return false;
    }
  } catch (error) {
    // The message comes back all the same, when its visibility timeout ends.
    const code = errorName(error);
    console.error({ event: "visibility not changed", messageId, code });
    return false;
  }
}
