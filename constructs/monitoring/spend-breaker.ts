import type { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping/index.js";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission/index.js";
import { Construct } from "constructs";
import { breakerName } from "../../config/names.ts";
import { BundledFunction } from "../bundled-function.ts";

export interface SpendBreakerProps {
  readonly suffix: string;
  /** What is stopped. */
  readonly eventSource: LambdaEventSourceMapping;
  readonly logRetentionDays: number;
}

/**
 * Stops the consumer when models cost too much. The alarm invokes the function itself: a topic in between would be one
 * more thing to fail, and would have to let more in than this alarm.
 */
export class SpendBreaker extends Construct {
  readonly function: BundledFunction["function"];
  /** In seconds. */
  readonly timeout = 30;

  constructor(scope: Construct, id: string, { suffix, eventSource, logRetentionDays }: SpendBreakerProps) {
    super(scope, id);
    this.function = new BundledFunction(this, "breaker", {
      name: breakerName(suffix),
      description: "Stops the consumer when models cost too much",
      entry: "functions/breaker/index.ts",
      memoryMb: 128,
      timeout: this.timeout,
      logRetentionDays,
      environment: { EVENT_SOURCE_ID: eventSource.uuid },
      permissions: [
        {
          Sid: "StopTheConsumer",
          Effect: "Allow",
          Action: "lambda:UpdateEventSourceMapping",
          Resource: eventSource.arn,
        },
      ],
    }).function;
  }

  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html */
  allowOnly(alarmArn: string): void {
    new LambdaPermission(this, "alarm", {
      functionName: this.function.functionName,
      action: "lambda:InvokeFunction",
      principal: "lambda.alarms.cloudwatch.amazonaws.com",
      sourceArn: alarmArn,
    });
  }
}
