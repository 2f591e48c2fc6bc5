import { derive } from "../config/derived.ts";
import { consumerName, eventBusName, queueName, webhookName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { allowLogs } from "./bundled-function.ts";
import { functionNames } from "./deployable-services.ts";
import { allowTelling } from "./event-bus.ts";
import { allowErasing, allowImageLinks, allowImages, allowRecords } from "./image-bucket.ts";
import { allowModels } from "./image-processor.ts";
import { allowStopping } from "./monitoring/spend-breaker.ts";
import type { PolicyStatement } from "./policy.ts";
import { allowConsuming, allowSending } from "./prompt-queue.ts";
import { allowDelivering } from "./webhooks.ts";

/**
 * The permissions boundary for the environment's functions: what their roles allow, for the names of the environment's
 * resources.
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
    allowTelling(arn("events", `event-bus/${eventBusName(suffix)}`)),
    // AWS adds an id to a destination's name.
    allowDelivering(arn("events", `api-destination/${webhookName(suffix, "*")}/*`)),
    allowImages(bucket),
    allowImageLinks(bucket),
    ...allowRecords(bucket),
    ...allowErasing(bucket),
    // Exactly those whose cost the breaker sees.
    allowModels(derive(settings).modelChain),
    {
      // Only AWS knows the event source's id.
      ...allowStopping(arn("lambda", "event-source-mapping:*")),
      Condition: {
        ArnEquals: { "lambda:FunctionArn": arn("lambda", `function:${consumerName(suffix)}`) },
      },
    },
  ];
}
