import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { SQSClient } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { resend } from "../functions/consumer/queue-actions.ts";

// The local cloud's SQS forgets the group of a message on a standard queue, so this looks at the request itself.
it("a prompt that is re-sent keeps its sender's group and ten attributes, and waits no longer than SQS allows", async () => {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    requests.push(await text(request));
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const { port } = address;
  const sqs = new SQSClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    md5: false,
  });
  const message = {
    messageId: "message",
    receiptHandle: "handle",
    body: "K2",
    attributes: {
      ApproximateReceiveCount: "9",
      SentTimestamp: "0",
      SenderId: "test",
      ApproximateFirstReceiveTimestamp: "0",
      MessageGroupId: "a-caller",
    },
    messageAttributes: Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        `photo${index}`,
        { dataType: "Binary", binaryValue: "SzI=", stringListValues: [], binaryListValues: [] },
      ]),
    ),
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn",
    awsRegion: "eu-west-1",
  };
  await resend(sqs, `http://127.0.0.1:${port}/1/q`, message, '{"prompt":"K2"}', 1000);
  server.close();
  expect(JSON.parse(requests[0] ?? "")).toEqual({
    QueueUrl: expect.any(String),
    MessageGroupId: "a-caller",
    DelaySeconds: 900,
    // As many as a message may have, so there is no room for one of ours.
    MessageAttributes: Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        `photo${index}`,
        { DataType: "Binary", BinaryValue: "SzI=" },
      ]),
    ),
    MessageBody: '{"prompt":"K2"}',
  });
});
