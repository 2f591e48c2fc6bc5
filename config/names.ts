/** Names by which people and commands find what an environment has. */

export function consumerName(suffix: string): string {
  return `image-processor-${suffix}`;
}

export function apiFunctionName(suffix: string): string {
  return `image-api-${suffix}`;
}

export function breakerName(suffix: string): string {
  return `spend-breaker-${suffix}`;
}

/** Of the policy that bounds what the roles of an environment's functions can allow. */
export function boundaryName(suffix: string): string {
  return `couch-explorers-boundary-${suffix}`;
}

/** The ARN of that policy, which the bootstrap creates. */
export function boundaryArn({ suffix }: { readonly suffix: string }, accountId: string): string {
  return `arn:aws:iam::${accountId}:policy/${boundaryName(suffix)}`;
}

/** The ARN of a model. It belongs to no account. */
export function modelArn({ id, region }: { readonly id: string; readonly region: string }): string {
  return `arn:aws:bedrock:${region}::foundation-model/${id}`;
}

/** Of the role without permissions that shows whether AWS reads the claim `ref` of GitHub's tokens. */
export function probeRoleName(suffix: string): string {
  return `couch-explorers-probe-${suffix}`;
}

/** Of the HTTP API itself, and at the end of its access log's. */
export function apiName(suffix: string): string {
  return `image-generation-api-${suffix}`;
}

/** Of each alarm in the table of alarms. */
export const ALARM_IDS = [
  ...["time-to-image", "no-images", "expiring-prompts", "dead-letters", "failed-tries", "abandoned-requests"],
  ...["model-fallback", "consumer-errors", "breaker-errors", "consumer-duration", "rejected-prompts"],
  ...["spend-hour", "spend-day", "spend-week", "api-errors", "untold-events", "undelivered-events"],
] as const;

export type AlarmId = (typeof ALARM_IDS)[number];

export function alarmName(suffix: string, id: AlarmId): string {
  return `image-generation-${suffix}-${id}`;
}

/** Each alarm by its whole name: what begins like the alarms of `dev` may be an alarm of `dev-prod`. */
export function alarmArns(
  { suffix, region }: { readonly suffix: string; readonly region: string },
  accountId: string,
): string[] {
  return ALARM_IDS.map((id) => `arn:aws:cloudwatch:${region}:${accountId}:alarm:${alarmName(suffix, id)}`);
}

/** Of the key that encrypts the alarms' notifications. The bootstrap creates it. */
export function notificationKeyAlias(suffix: string): string {
  return `alias/couch-explorers-${suffix}`;
}

/** Of the queue of prompts. */
export function queueName(suffix: string): string {
  return `image-generation-queue-${suffix}`;
}

export function deadLetterQueueName(suffix: string): string {
  return `${queueName(suffix)}-dlq`;
}

export function topicName(suffix: string, severity: "page" | "ticket"): string {
  return `image-alarms-${severity}-${suffix}`;
}

export function dashboardName(suffix: string): string {
  return `image-generation-${suffix}`;
}

export function eventBusName(suffix: string): string {
  return `image-generation-${suffix}`;
}

/** Of a webhook's rule, connection and destination. @param name the webhook's own; `*` for all of the environment */
export function webhookName(suffix: string, name: string): string {
  // No suffix has an underscore: the names of one environment are never those of another.
  return `image-generation-${suffix}_${name}`;
}

/** Of the role with which EventBridge calls webhooks. */
export function webhookRoleName(suffix: string): string {
  return `image-webhooks-${suffix}`;
}

export function webhookDeadLetterQueueName(suffix: string): string {
  return `image-webhooks-${suffix}-dlq`;
}
