import type { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping/index.js";
import { Construct } from "constructs";
import type { Derived } from "../../config/derived.ts";
import type { Settings } from "../../config/settings.ts";
import type { BundledFunction } from "../bundled-function.ts";
import { alarmTable, type WatchedApi } from "./alarm-table.ts";
import { Alarms } from "./alarms.ts";
import { Dashboard } from "./dashboard.ts";
import { Notification } from "./notification.ts";
import { SpendBreaker } from "./spend-breaker.ts";

export interface MonitoringProps {
  readonly settings: Settings;
  readonly derived: Derived;
  readonly queueName: string;
  readonly deadLetterQueueName: string;
  /** Undefined where there is no webhook. */
  readonly webhookDeadLetterQueueName: string | undefined;
  readonly consumer: BundledFunction["function"];
  readonly eventSource: LambdaEventSourceMapping;
  readonly api: WatchedApi;
}

/** Alarms with their notifications, the spend breaker, and the dashboard. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { settings, derived, consumer, eventSource } = props;
    const { suffix, region, logRetentionDays } = settings;
    const notification = new Notification(this, "notification", {
      suffix,
      region,
      existingTopics: settings.alarms.existingTopics,
    });
    const breaker = new SpendBreaker(this, "breaker", { suffix, eventSource, logRetentionDays });
    const watched = {
      promptQueue: props.queueName,
      deadLetterQueue: props.deadLetterQueueName,
      consumer: consumer.functionName,
      api: props.api,
    };
    const table = alarmTable({
      ...watched,
      environment: suffix,
      breaker: breaker.function.functionName,
      webhookDeadLetterQueue: props.webhookDeadLetterQueueName,
      thresholds: derived.thresholds,
    });
    const alarms = new Alarms(this, "alarms", {
      ...{ suffix, table, breaker },
      topicArns: notification.topicArns,
      repository: settings.github.repository,
    });
    new Dashboard(this, "dashboard", {
      ...{ ...watched, suffix, region, derived, alarmArns: alarms.arns },
      consumerTimeout: settings.consumer.timeoutSeconds,
    });
  }
}
