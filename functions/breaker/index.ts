import { LambdaClient, UpdateEventSourceMappingCommand } from "@aws-sdk/client-lambda";
import { z } from "zod";

const { EVENT_SOURCE_ID } = z.object({ EVENT_SOURCE_ID: z.string().min(1) }).parse(process.env);
const lambda = new LambdaClient();

/**
 * Stops the consumer: the prompts stay in their queue. The alarm on spending invokes it when it fires, and only then;
 * what it throws makes Lambda try again.
 */
export async function handler(): Promise<void> {
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID: EVENT_SOURCE_ID, Enabled: false }));
  console.warn({ event: "consumer stopped", eventSource: EVENT_SOURCE_ID });
}
