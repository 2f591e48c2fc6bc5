import type { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping/index.js";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission/index.js";
import { Construct } from "constructs";
import { breakerName } from "../../config/names.ts";
import { BundledFunction } from "../bundled-function.ts";
import type { PolicyStatement } from "../policy.ts";

export interface SpendBreakerProps {
  readonly suffix: string;
  readonly eventSource: LambdaEventSourceMapping;
  readonly logRetentionDays: number;
}

/** Stops the consumer when models cost too much. The alarms invoke its function directly, without a topic. */
export class SpendBreaker extends Construct {
  readonly function: BundledFunction["function"];

  constructor(scope: Construct, id: string, { suffix, eventSource, logRetentionDays }: SpendBreakerProps) {
    super(scope, id);
    this.function = new BundledFunction(this, "breaker", {
      name: breakerName(suffix),
      description: "Stops the consumer when models cost too much",
      entry: "functions/breaker/index.ts",
      memoryMb: 128,
      timeout: 30,
      logRetentionDays,
      environment: { EVENT_SOURCE_ID: eventSource.uuid },
      permissions: [allowStopping(eventSource.arn)],
    }).function;
  }

  /**
   * Lets an alarm invoke the function.
   * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
   * @param id the alarm's id in the table
   */
  allow(id: string, alarmArn: string): void {
    new LambdaPermission(this, id, {
      functionName: this.function.functionName,
      action: "lambda:InvokeFunction",
      principal: "lambda.alarms.cloudwatch.amazonaws.com",
      sourceArn: alarmArn,
    });
  }
}

/** Lets a function stop an event source. */
export function allowStopping(eventSourceArn: string): PolicyStatement {
  return {
    Sid: "StopTheConsumer",
    Effect: "Allow",
    Action: "lambda:UpdateEventSourceMapping",
    Resource: eventSourceArn,
  };
}
