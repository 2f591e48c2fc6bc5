import { boundaryName, consumerName, queueName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { allowLogs } from "./bundled-function.ts";
import { functionNames } from "./deployable-services.ts";
import { allowImageLinks, allowImages, allowRecords } from "./image-bucket.ts";
import { allowModels } from "./image-processor.ts";
import { allowStopping } from "./monitoring/spend-breaker.ts";
import type { PolicyStatement } from "./policy.ts";
import { allowConsuming, allowSending } from "./prompt-queue.ts";

/**
 * The most that a function of the environment may ever do: a boundary takes away all else that its role allows. It is
 * what the roles allow, for the names that the environment's resources have.
 */
export function boundaryPermissions(settings: Settings, accountId: string): PolicyStatement[] {
  const { region, suffix, imageBucket } = settings;
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  const queueArn = arn("sqs", queueName(suffix));
  const bucket = {
    arn: `arn:aws:s3:::${imageBucket.name}`,
    keyPrefix: imageBucket.kind === "existing" ? imageBucket.keyPrefix : "",
    kmsKeyArn: imageBucket.kind === "existing" ? imageBucket.kmsKeyArn : undefined,
  };
  return [
    ...allowLogs(functionNames(settings).map((name) => arn("logs", `log-group:/aws/lambda/${name}:*`))),
    allowSending(queueArn),
    allowConsuming(queueArn),
    allowImages(bucket),
    allowImageLinks(bucket),
    ...allowRecords(bucket),
    // Another model must not need an administrator.
    allowModels("arn:aws:bedrock:*::foundation-model/*"),
    {
      // Only AWS knows the event source's id.
      ...allowStopping(arn("lambda", "event-source-mapping:*")),
      Condition: {
        ArnEquals: { "lambda:FunctionArn": arn("lambda", `function:${consumerName(suffix)}`) },
      },
    },
  ];
}

/** Of the boundary that the bootstrap makes and that every role of the environment's functions carries. */
export function boundaryArn({ suffix }: Settings, accountId: string): string {
  return `arn:aws:iam::${accountId}:policy/${boundaryName(suffix)}`;
}
