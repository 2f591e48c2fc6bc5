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

/** Of the HTTP API itself, and at the end of its access log's. */
export function apiName(suffix: string): string {
  return `image-generation-api-${suffix}`;
}

/** @param id the alarm's name in the table of alarms */
export function alarmName(suffix: string, id: string): string {
  return `image-generation-${suffix}-${id}`;
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
