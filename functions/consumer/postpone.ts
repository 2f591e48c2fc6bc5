import type { MessageAttributeValue } from "@aws-sdk/client-sqs";
import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { FIRST_SENT_ATTRIBUTE, messageBody } from "../domain/message-body.ts";
import type { IdentifiedRequest } from "../domain/request.ts";

/** The longest delay that SQS offers for a new message. */
const LONGEST_DELAY_SECONDS = 900;

/** When a message's prompt was sent, before it was ever sent anew. */
export function firstSentAt({ attributes, messageAttributes }: SQSRecord): Date {
  const sentMs = Number(attributes.SentTimestamp);
  const firstMs = messageAttributes[FIRST_SENT_ATTRIBUTE]?.stringValue ?? "";
  // Anybody who may send can set the attribute.
  return new Date(/^\d{13}$/.test(firstMs) ? Math.min(Number(firstMs), sentMs) : sentMs);
}

/** Keeps a message out of sight for a while. It stays in the queue, and the wait counts as a receive. */
export async function hide(
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
 * Sends a message again as a fresh copy, with its receive count back at zero; the caller then deletes the original.
 * SQS counts every receive towards the dead-letter queue, also those on which nothing was tried. Should both copies
 * live for a while, the ledger knows them by their request id. The copy carries when the prompt was first sent.
 */
export async function renew(
  sqs: SQSClient,
  queueUrl: string,
  message: SQSRecord,
  request: IdentifiedRequest,
  seconds: number,
): Promise<void> {
  const group = message.attributes.MessageGroupId;
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: messageBody(request),
      MessageAttributes: {
        ...attributesOf(message),
        [FIRST_SENT_ATTRIBUTE]: {
          DataType: "Number",
          StringValue: String(firstSentAt(message).getTime()),
        },
      },
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
