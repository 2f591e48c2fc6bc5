import type { AlarmDefinition } from "./alarm-definition.ts";
import { logCommand, urlOf } from "./first-commands.ts";
import { ownMetric, queueMetric } from "./metrics.ts";

const MINUTE = 60;

interface WatchedEvents {
  readonly environment: string;
  readonly consumer: string;
  /** Of the webhooks. Undefined where there is none. */
  readonly webhookDeadLetterQueue?: string | undefined;
}

/** The alarms on events that nobody gets. */
export function eventAlarms({
  environment,
  consumer,
  webhookDeadLetterQueue: queue,
}: WatchedEvents): AlarmDefinition[] {
  const untold: AlarmDefinition = {
    id: "untold-events",
    severity: "ticket",
    watches: ownMetric(environment, "Untold", "Sum"),
    ...{ period: MINUTE, m: 3, n: 5, threshold: 0 },
    usersFeel: "apps learn late that pictures are there; the pictures come in time",
    causes: ["EventBridge throttles or is not available", "missing permissions", "the event bus was deleted"],
    firstCommand: logCommand(consumer, '{ $.message.event = "not told" }'),
    runbook: "events",
  };
  if (queue === undefined) return [untold];
  return [
    untold,
    {
      id: "undelivered-events",
      severity: "ticket",
      watches: queueMetric(queue, "ApproximateNumberOfMessagesVisible", "Maximum"),
      ...{ period: MINUTE, m: 1, n: 1, threshold: 0 },
      usersFeel: "an app with a webhook does not learn how requests end",
      causes: [
        "the webhook's secret is not set, or wrong",
        "the app refuses the event",
        "the app was down for a day",
      ],
      firstCommand: `aws sqs receive-message --visibility-timeout 0 --max-number-of-messages 10 --message-attribute-names All --queue-url ${urlOf(queue)}`,
      runbook: "events",
    },
  ];
}
