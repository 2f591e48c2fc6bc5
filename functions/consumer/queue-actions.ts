import {
  ChangeMessageVisibilityCommand,
  type MessageAttributeValue,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";

/** The longest delay that SQS offers for a new message. */
const LONGEST_DELAY_SECONDS = 900;

/** Makes a message visible again after so many seconds. It stays in the queue, and the next receive counts. */
export async function changeVisibility(
  sqs: SQSClient,
  queueUrl: string,
  message: SQSRecord,
  seconds: number,
): Promise<void> {
  await sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: queueUrl,
      ReceiptHandle: message.receiptHandle,
      VisibilityTimeout: seconds,
    }),
  );
}

/**
 * Sends a copy of a message, in its sender's group and with its attributes; the caller then deletes the original. Should
 * both be in the queue for a while, the ledger knows them by their request id.
 * @param seconds how long the copy is delayed; SQS delays it for a quarter of an hour at the most
 */
export async function resend(
  sqs: SQSClient,
  queueUrl: string,
  message: SQSRecord,
  body: string,
  seconds: number,
): Promise<void> {
  const group = message.attributes.MessageGroupId;
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: body,
      MessageAttributes: attributesOf(message),
      DelaySeconds: Math.min(seconds, LONGEST_DELAY_SECONDS),
      ...(group !== undefined && { MessageGroupId: group }),
    }),
  );
}

function attributesOf(message: SQSRecord): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    Object.entries(message.messageAttributes).map(([name, { dataType, stringValue, binaryValue }]) => [
      name,
      {
        DataType: dataType,
        StringValue: stringValue,
        // In the event, binary values are base64.
        BinaryValue: binaryValue === undefined ? undefined : Buffer.from(binaryValue, "base64"),
      },
    ]),
  );
}
