import { setTimeout } from "node:timers/promises";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { EventRule } from "./event-rules.ts";
import type { BusEvent } from "./put-events.ts";

/** One call of a webhook. */
export interface WebhookReport {
  /** The rule's ARN. */
  readonly rule: string;
  readonly eventId: string;
  /** The HTTP status, or what went wrong. */
  readonly answer: number | string;
  readonly isLast: boolean;
}

export interface DeliveryOptions {
  /** What is called in place of the destination's own URL. */
  readonly url: URL;
  readonly sqs: SQSClient;
  readonly queueUrlOf: (arn: string) => string | undefined;
  /** The wait before the first retry, in milliseconds. Each further one is twice as long. AWS publishes none. */
  readonly firstRetryMs: number;
  readonly onReport: (report: WebhookReport) => void;
  readonly signal: AbortSignal;
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html */
const TIMEOUT_MS = 5_000;
const LONGEST_WAIT_MS = 600_000;

/** Delivers events to a webhook, as a rule of EventBridge does: with its retries, its rate, and its dead-letter queue. */
export class WebhookDelivery {
  readonly #rule: EventRule;
  readonly #options: DeliveryOptions;
  /** When the rate allows the next call, in milliseconds since the epoch. */
  #nextAt = 0;

  constructor(rule: EventRule, options: DeliveryOptions) {
    this.#rule = rule;
    this.#options = options;
  }

  async deliver(event: BusEvent): Promise<void> {
    const { maximumRetries, maximumAgeSeconds } = this.#rule.target;
    const { firstRetryMs, signal, onReport } = this.#options;
    const startedAt = Date.now();
    for (let retries = 0; !signal.aborted; retries++) {
      const { answer, retryAfterMs } = await this.#call(event);
      if (signal.aborted) return;
      const isTaken = typeof answer === "number" && answer >= 200 && answer < 300;
      // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html#api-destination-error-codes
      const isRetried = typeof answer === "string" || answer === 409 || answer === 429 || answer >= 500;
      const backOffMs = Math.min(LONGEST_WAIT_MS, firstRetryMs * 2 ** retries) * (0.5 + Math.random() / 2);
      const waitMs = Math.max(backOffMs, retryAfterMs);
      const exhausted =
        retries >= maximumRetries
          ? "MaximumRetryAttempts"
          : Date.now() + waitMs > startedAt + maximumAgeSeconds * 1000
            ? "MaximumEventAgeInSeconds"
            : undefined;
      const isLast = isTaken || !isRetried || exhausted !== undefined;
      onReport({ rule: this.#rule.arn, eventId: event.id, answer, isLast });
      if (isTaken) return;
      if (isLast)
        return this.#giveUp(event, { answer, retries, exhausted: isRetried ? exhausted : undefined });
      await setTimeout(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  async #call(event: BusEvent): Promise<{ answer: number | string; retryAfterMs: number }> {
    const { method, header, isDetailOnly } = this.#rule.target;
    await this.#takeTurn();
    try {
      const response = await fetch(this.#options.url, {
        method,
        body: JSON.stringify(isDetailOnly ? event.detail : event),
        redirect: "manual",
        headers: {
          [header.name]: header.value,
          "content-type": "application/json; charset=utf-8",
          "user-agent": "Amazon/EventBridge/ApiDestinations",
        },
        signal: AbortSignal.any([this.#options.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      const retryAfter = Number(response.headers.get("retry-after") ?? 0);
      return { answer: response.status, retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : 0 };
    } catch (error) {
      return { answer: error instanceof Error ? error.name : String(error), retryAfterMs: 0 };
    }
  }

  async #takeTurn(): Promise<void> {
    const at = Math.max(Date.now(), this.#nextAt);
    this.#nextAt = at + 1000 / this.#rule.target.ratePerSecond;
    await setTimeout(at - Date.now(), undefined, { signal: this.#options.signal }).catch(() => {});
  }

  /** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
  async #giveUp(
    event: BusEvent,
    {
      answer,
      retries,
      exhausted,
    }: { answer: number | string; retries: number; exhausted: string | undefined },
  ): Promise<void> {
    const { deadLetterArn, arn } = this.#rule.target;
    if (deadLetterArn === undefined) return;
    const attributes = {
      RULE_ARN: this.#rule.arn,
      TARGET_ARN: arn,
      ERROR_CODE: "SDK_CLIENT_ERROR",
      ERROR_MESSAGE: `The webhook answered ${answer}`,
      RETRY_ATTEMPTS: String(retries),
      ...(exhausted !== undefined && { EXHAUSTED_RETRY_CONDITION: exhausted }),
    };
    await this.#options.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#options.queueUrlOf(deadLetterArn),
        MessageBody: JSON.stringify(event),
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([name, StringValue]) => [
            name,
            { DataType: "String", StringValue },
          ]),
        ),
      }),
    );
  }
}
