import type { MessageAttributeValue } from "@aws-sdk/client-sqs";
import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { FIRST_SENT_ATTRIBUTE, messageBody } from "../domain/message-body.ts";
import type { IdentifiedRequest } from "../domain/request.ts";

/** The longest delay that SQS offers for a new message. */
const LONGEST_DELAY_SECONDS = 900;

/**
 * When a message's prompt was sent, before it was ever sent anew.
 * @param giveUpAfterMs a prompt that is older, in milliseconds, is not sent anew
 */
export function firstSentAt({ attributes, messageAttributes }: SQSRecord, giveUpAfterMs: number): Date {
  const sentMs = Number(attributes.SentTimestamp);
  const firstMs = messageAttributes[FIRST_SENT_ATTRIBUTE]?.stringValue ?? "";
  if (!/^\d{13}$/.test(firstMs)) return new Date(sentMs);
  // Anybody who may send can set the attribute: what no copy can have is brought to the nearest that one can.
  return new Date(Math.min(Math.max(Number(firstMs), sentMs - giveUpAfterMs), sentMs));
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

export interface Copy {
  readonly request: IdentifiedRequest;
  readonly firstSent: Date;
  /** How long it is kept out of sight. */
  readonly seconds: number;
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
  { request, firstSent, seconds }: Copy,
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
          StringValue: String(firstSent.getTime()),
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
