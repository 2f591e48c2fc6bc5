import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { LOCAL_ACCOUNT_ID } from "../stack/terraform-attributes.ts";
import type { EmulatorApp } from "./conditional-writes.ts";
import { signerOf } from "./principal.ts";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MOST_ATTRIBUTES = 10;
const LONGEST_DELAY_SECONDS = 900;

const messageSchema = z.looseObject({
  Id: z.string().optional(),
  MessageAttributes: z.record(z.string(), z.unknown()).default({}),
  MessageSystemAttributes: z
    .object({ AWSTraceHeader: z.object({ StringValue: z.string() }).optional() })
    .optional(),
  DelaySeconds: z.number().default(0),
  MessageGroupId: z.string().optional(),
});
type NewMessage = z.infer<typeof messageSchema>;
const batchSchema = z.looseObject({ Entries: z.array(messageSchema).default([]) });
const sentSchema = z.object({ MessageId: z.string() });
const sentBatchSchema = z.looseObject({
  Successful: z.array(z.looseObject({ Id: z.string(), MessageId: z.string() })).default([]),
  Failed: z.array(z.unknown()).default([]),
});
const receiveSchema = z.looseObject({
  QueueUrl: z.string(),
  AttributeNames: z.array(z.string()).default([]),
  MessageSystemAttributeNames: z.array(z.string()).default([]),
});
const receivedSchema = z.object({
  Messages: z
    .array(
      z.looseObject({
        MessageId: z.string(),
        ReceiptHandle: z.string(),
        Attributes: z.looseObject({ SentTimestamp: z.coerce.number() }),
      }),
    )
    .default([]),
});
const timeoutSchema = z.looseObject({ VisibilityTimeout: z.number().optional() });
const visibilitySchema = timeoutSchema.extend({ Entries: z.array(timeoutSchema).optional() });

export interface QueueRules {
  /** How long a queue keeps a message, in seconds. */
  readonly retentionSeconds: (queueName: string) => number;
  /** Whether fauxqs keeps its state on disk. */
  readonly keepsState: boolean;
}

/** What SQS does with messages and fauxqs does not. Must be called before fauxqs adds its routes. */
export function enforceQueueRules(app: EmulatorApp, { retentionSeconds, keepsState }: QueueRules): void {
  /** Attributes that SQS itself adds to a message, and fauxqs drops; by message. */
  const systemAttributes = new Map<string, Readonly<Record<string, string>>>();

  const remember = (id: string, message: NewMessage, headers: IncomingHttpHeaders): void => {
    const trace = message.MessageSystemAttributes?.AWSTraceHeader?.StringValue ?? headers["x-amzn-trace-id"];
    const { MessageGroupId } = message;
    systemAttributes.set(id, {
      // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
      SenderId: signerOf(headers, LOCAL_ACCOUNT_ID).userId,
      ...(trace !== undefined && { AWSTraceHeader: String(trace) }),
      ...(MessageGroupId !== undefined && { MessageGroupId }),
    });
  };

  app.addHook("onRoute", (route) => {
    if (route.url !== "/" || ![route.method].flat().includes("POST")) return;
    const emulated = route.handler;
    route.handler = async function queueRules(request, reply) {
      const handle = async (body: object): Promise<unknown> => {
        request.body = body;
        return await emulated.call(this, request, reply);
      };
      switch (request.headers["x-amz-target"]) {
        case "AmazonSQS.SendMessage": {
          const message = messageSchema.parse(request.body);
          const problem = problemOf(message);
          if (problem !== undefined) {
            reply.code(400).header("x-amzn-query-error", "InvalidParameterValue;Sender");
            return { __type: "com.amazonaws.sqs#InvalidParameterValue", message: problem };
          }
          const sent = await handle(message);
          const { success, data } = sentSchema.safeParse(sent);
          if (success) remember(data.MessageId, message, request.headers);
          return sent;
        }
        case "AmazonSQS.SendMessageBatch": {
          const batch = batchSchema.parse(request.body);
          const failed = batch.Entries.flatMap((entry) => {
            const Message = problemOf(entry);
            if (Message === undefined) return [];
            return { Id: entry.Id, SenderFault: true, Code: "InvalidParameterValue", Message };
          });
          const good = batch.Entries.filter(({ Id }) => !failed.some((entry) => entry.Id === Id));
          if (good.length === 0 && failed.length > 0) return { Successful: [], Failed: failed };
          const answer = await handle({ ...batch, Entries: good });
          const { success, data } = sentBatchSchema.safeParse(answer);
          if (!success || reply.statusCode !== 200) return answer;
          for (const { Id, MessageId } of data.Successful) {
            const message = good.find((entry) => entry.Id === Id);
            if (message !== undefined) remember(MessageId, message, request.headers);
          }
          return { ...data, Failed: [...data.Failed, ...failed] };
        }
        case "AmazonSQS.ReceiveMessage": {
          const asked = receiveSchema.parse(request.body);
          const wanted = [...asked.AttributeNames, ...asked.MessageSystemAttributeNames];
          const isWanted = (name: string) => wanted.includes("All") || wanted.includes(name);
          while (true) {
            const answer = await handle({ ...asked, MessageSystemAttributeNames: ["All"] });
            const { success, data } = receivedSchema.safeParse(answer);
            if (!success || data.Messages.length === 0) return answer;
            const keptMs = retentionSeconds(asked.QueueUrl.split("/").at(-1) ?? "") * 1000;
            const fresh = data.Messages.filter(
              ({ Attributes }) => Date.now() - Attributes.SentTimestamp < keptMs,
            );
            for (const expired of data.Messages.filter((message) => !fresh.includes(message))) {
              await app.inject({
                method: "POST",
                url: "/",
                headers: {
                  "content-type": "application/x-amz-json-1.0",
                  "x-amz-target": "AmazonSQS.DeleteMessage",
                },
                payload: { QueueUrl: asked.QueueUrl, ReceiptHandle: expired.ReceiptHandle },
              });
            }
            if (fresh.length === 0) continue;
            const Messages = fresh.map((message) => {
              const attributes = { ...message.Attributes, ...systemAttributes.get(message.MessageId) };
              const shown = Object.entries(attributes).filter(([name]) => isWanted(name));
              const texts = shown.map(([name, value]) => [name, String(value)]);
              return { ...message, Attributes: shown.length > 0 ? Object.fromEntries(texts) : undefined };
            });
            return { Messages };
          }
        }
        case "AmazonSQS.ChangeMessageVisibility":
        case "AmazonSQS.ChangeMessageVisibilityBatch":
          return handle(keepsState ? atLeastOneSecond(request.body) : z.looseObject({}).parse(request.body));
        default:
          return emulated.call(this, request, reply);
      }
    };
  });
}

function problemOf({ MessageAttributes, DelaySeconds }: NewMessage): string | undefined {
  const count = Object.keys(MessageAttributes).length;
  if (count > MOST_ATTRIBUTES) {
    return `Number of message attributes [${count}] exceeds the allowed maximum [${MOST_ATTRIBUTES}].`;
  }
  if (DelaySeconds >= 0 && DelaySeconds <= LONGEST_DELAY_SECONDS) return undefined;
  return `Value ${DelaySeconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= ${LONGEST_DELAY_SECONDS}.`;
}

/**
 * With a state folder fauxqs loses the message whose visibility timeout is set to 0: it writes NULL into a column that
 * takes none. With 1 second, the shortest that works, the message is back a second later than on AWS.
 */
function atLeastOneSecond(body: unknown): object {
  const { Entries, ...change } = visibilitySchema.parse(body);
  const raise = <T extends z.infer<typeof timeoutSchema>>(each: T): T =>
    each.VisibilityTimeout === 0 ? { ...each, VisibilityTimeout: 1 } : each;
  return { ...raise(change), ...(Entries && { Entries: Entries.map(raise) }) };
}
