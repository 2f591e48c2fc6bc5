import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { expect, it } from "vitest";
import { invokeModel } from "../functions/consumer/invoke-model.ts";
import { stableImageCore } from "../functions/domain/models/stable-image-core.ts";

const asked = { requestId: "r", prompt: "K2", aspectRatio: "1:1", outputFormat: "png", seed: 7 } as const;

it.each([
  ["is refused", "http://127.0.0.1:1"],
  ["has no address", "http://nowhere.invalid"],
])("a call whose connection %s is not paid", async (_, endpoint) => {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };

  const client = new BedrockRuntimeClient({
    region: "us-west-2",
    endpoint,
    credentials,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });
  const answer = await invokeModel(client, stableImageCore, asked, AbortSignal.timeout(10_000));
  expect(answer).toMatchObject({ kind: "failed", mayBePaid: false });
});
