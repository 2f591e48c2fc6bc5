import { randomUUID } from "node:crypto";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";

const bedrock = new BedrockRuntimeClient({ region: "us-west-2", requestHandler: new NodeHttpHandler() });
const s3 = new S3Client();

/** The endpoint without a queue, as a first version would have it: the caller waits while the model paints. */
export async function handler({ body }: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const { prompt } = JSON.parse(body ?? "{}");
  const answer = await bedrock.send(
    new InvokeModelCommand({
      modelId: "stability.stable-image-core-v1:1",
      contentType: "application/json",
      body: JSON.stringify({ prompt, output_format: "jpeg" }),
    }),
  );
  const [image] = JSON.parse(new TextDecoder().decode(answer.body)).images;
  const key = `images/${randomUUID()}.jpeg`;
  await s3.send(
    new PutObjectCommand({
      Bucket: process.env.IMAGE_BUCKET,
      Key: key,
      Body: Buffer.from(image, "base64"),
    }),
  );
  return { statusCode: 200, body: JSON.stringify({ key }) };
}
