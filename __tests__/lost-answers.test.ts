import { createServer } from "node:http";
import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { expect, it, onTestFinished } from "vitest";
import { invokeModel } from "../functions/consumer/invoke-model.ts";
import { stableImageCore } from "../functions/domain/models/stable-image-core.ts";
import { listenOnLoopback } from "../local/loopback.ts";

const asked = { requestId: "r", prompt: "K2", aspectRatio: "1:1", outputFormat: "png", seed: 7 } as const;

function call(endpoint: string) {
  const client = new BedrockRuntimeClient({
    region: "us-west-2",
    endpoint,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });
  onTestFinished(() => client.destroy());
  return invokeModel(client, stableImageCore, asked, AbortSignal.timeout(10_000));
}

it.each([
  ["is refused", "http://127.0.0.1:1"],
  ["has no address", "http://nowhere.invalid"],
])("a call whose connection %s is not paid", async (_, endpoint) => {
  expect(await call(endpoint)).toMatchObject({ kind: "failed", mayBePaid: false });
});

it.each([
  ["ModelTimeoutException", 408, true],
  ["InternalServerException", 500, true],
  ["ModelErrorException", 424, false],
])("a call that is answered with %s, HTTP %i, may be paid: %s", async (errorType, status, mayBePaid) => {
  const server = createServer((_, response) => {
    response.writeHead(status, { "x-amzn-errortype": errorType, "content-type": "application/json" });
    response.end("{}");
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => void server.close());
  expect(await call(`http://127.0.0.1:${port}`)).toMatchObject({
    kind: "failed",
    reason: { code: errorType },
    mayBePaid,
  });
});
