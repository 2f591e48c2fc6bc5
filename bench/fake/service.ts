// The consumer as a service: one process that polls the queue itself, as often at once as the model takes calls.
import { createRequire } from "node:module";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { Consumer } from "sqs-consumer";
import { isReceived, toRecord } from "../../local/lambda/event-source.ts";
import { patchConsole } from "../../local/lambda/lambda-console.ts";

type Handler = (event: SQSEvent, context: object) => Promise<SQSBatchResponse>;

const [codeDirectory = "", callsAtOnce = ""] = process.argv.slice(2);
const { SQS_QUEUE_URL: queueUrl = "", AWS_REGION: region = "" } = process.env;
patchConsole("JSON", () => undefined);
const { handler }: { handler: Handler } = createRequire(import.meta.url)(`${codeDirectory}/index.js`);
/** As long as the function has. */
const TIMEOUT_MS = 120_000;
// Each poller holds a connection while it waits for a message.
const sqs = new SQSClient({ requestHandler: new NodeHttpHandler({ httpAgent: { maxSockets: 1000 } }) });
for (let poller = 0; poller < Number(callsAtOnce); poller++) {
  const consumer = Consumer.create({
    ...{ queueUrl, sqs, messageSystemAttributeNames: ["All"], messageAttributeNames: ["All"] },
    async handleMessage(message) {
      if (!isReceived(message)) return undefined;
      const event = { Records: [toRecord(message, "", region)] };
      const { batchItemFailures } = await handler(event, { getRemainingTimeInMillis: () => TIMEOUT_MS });
      return batchItemFailures.length === 0 ? message : undefined;
    },
  });
  consumer.on("error", (error) => console.error(error));
  consumer.start();
}
process.once("disconnect", () => process.exit());
process.send?.("polling");
