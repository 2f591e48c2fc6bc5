import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { SQSClient } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { renew } from "../functions/consumer/postpone.ts";

// The local cloud's SQS forgets the group of a message on a standard queue, so this looks at the request itself.
it("a prompt that is sent anew stays in its sender's group, and waits no longer than SQS allows", async () => {
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
    messageAttributes: {
      photo: { dataType: "Binary", binaryValue: "SzI=", stringListValues: [], binaryListValues: [] },
    },
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn",
    awsRegion: "eu-west-1",
  };
  const asked = {
    requestId: "message",
    prompt: "K2",
    aspectRatio: "1:1",
    outputFormat: "png",
    seed: 7,
  } as const;
  const copy = { request: asked, firstSent: new Date(0), seconds: 1000 };
  await renew(sqs, `http://127.0.0.1:${port}/1/q`, message, copy);
  server.close();
  expect(JSON.parse(requests[0] ?? "")).toMatchObject({
    MessageGroupId: "a-caller",
    DelaySeconds: 900,
    MessageAttributes: { photo: { DataType: "Binary", BinaryValue: "SzI=" } },
    MessageBody: expect.stringContaining('"requestId":"message"'),
  });
});
