import { boundaryName, consumerName, queueName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { functionNames } from "./deployable-services.ts";
import type { PolicyStatement } from "./policy.ts";

/** The most that a function of the environment may ever do: a boundary takes away all else that its role allows. */
export function boundaryPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const { region, suffix, imageBucket } = settings;
  const bucket = `arn:aws:s3:::${imageBucket.name}`;
  const keyPrefix = imageBucket.kind === "existing" ? imageBucket.keyPrefix : "";
  return [
    {
      Sid: "Log",
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: functionNames(settings).map(
        (name) => `arn:aws:logs:${region}:${accountId}:log-group:/aws/lambda/${name}:*`,
      ),
    },
    {
      Sid: "Trace",
      Effect: "Allow",
      Action: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
      Resource: "*",
    },
    {
      Sid: "Prompts",
      Effect: "Allow",
      Action: [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ChangeMessageVisibility",
        "sqs:SendMessage",
      ],
      Resource: `arn:aws:sqs:${region}:${accountId}:${queueName(suffix)}`,
    },
    {
      Sid: "PicturesAndRecords",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject"],
      Resource: [`${bucket}/${keyPrefix}images/*`, `${bucket}/${keyPrefix}requests/*`],
    },
    { Sid: "KnowWhatIsMissing", Effect: "Allow", Action: "s3:ListBucket", Resource: bucket },
    // Another model must not need an administrator.
    {
      Sid: "Paint",
      Effect: "Allow",
      Action: "bedrock:InvokeModel",
      Resource: "arn:aws:bedrock:*::foundation-model/*",
    },
    {
      Sid: "StopTheConsumer",
      Effect: "Allow",
      Action: "lambda:UpdateEventSourceMapping",
      Resource: `arn:aws:lambda:${region}:${accountId}:event-source-mapping:*`,
      Condition: {
        ArnEquals: {
          "lambda:FunctionArn": `arn:aws:lambda:${region}:${accountId}:function:${consumerName(suffix)}`,
        },
      },
    },
  ];
}

/** Of the boundary that the bootstrap makes and that every role of the environment's functions carries. */
export function boundaryArn({ suffix }: Settings, accountId: string): string {
  return `arn:aws:iam::${accountId}:policy/${boundaryName(suffix)}`;
}
