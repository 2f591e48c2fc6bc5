// The AWS clients that the consumer has, with the commands that it sends, and nothing else.
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

export const clients = [new BedrockRuntimeClient(), new EventBridgeClient(), new S3Client(), new SQSClient()];
export const commands = [
  ...[InvokeModelCommand, PutEventsCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand],
  ...[ChangeMessageVisibilityCommand, SendMessageCommand],
];
