// A consumer in the way of the documentation of Powertools for AWS Lambda: batch processor, logger, metrics.
// https://docs.powertools.aws.dev/lambda/typescript/latest/features/batch/
import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { z } from "zod";

const logger = new Logger({ serviceName: "bench" });
const metrics = new Metrics({ namespace: "bench" });
const bedrock = new BedrockRuntimeClient({ region: "us-west-2" });
const s3 = new S3Client();
const processor = new BatchProcessor(EventType.SQS);
const answerSchema = z.object({ images: z.array(z.string()) });

async function recordHandler({ messageId, body }: SQSRecord): Promise<void> {
  const { body: answer } = await bedrock.send(
    new InvokeModelCommand({ modelId: "bench", body: JSON.stringify({ prompt: body }) }),
  );
  const { images } = answerSchema.parse(JSON.parse(answer.transformToString()));
  const Body = Buffer.from(images[0] ?? "", "base64");
  await s3.send(new PutObjectCommand({ Bucket: "bench", Key: `images/${messageId}.png`, Body }));
  metrics.addMetric("Images", MetricUnit.Count, 1);
  logger.info("painted", { messageId });
}

export const handler = (event: SQSEvent, context: Context) =>
  processPartialResponse(event, recordHandler, processor, { context });
