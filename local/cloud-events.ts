import type { Transition } from "./cloudwatch/evaluator.ts";
import type { BusEvent } from "./eventbridge/put-events.ts";
import type { WebhookReport } from "./eventbridge/webhook-delivery.ts";
import type { RequestReport } from "./gateway/http-api.ts";
import type { BatchReport } from "./lambda/event-source.ts";
import type { InvocationReport, LogLine } from "./lambda/lambda.ts";

/** What happens in the cloud, while it happens. */
export interface CloudEvents {
  readonly line: [LogLine];
  readonly invocation: [InvocationReport];
  readonly request: [RequestReport];
  readonly batch: [BatchReport];
  readonly alarm: [Transition];
  /** An event bus of the stack took an event. */
  readonly event: [BusEvent];
  /** A webhook was called. */
  readonly webhook: [WebhookReport];
  /** A queue did not answer its event source mapping. */
  readonly trouble: [error: unknown];
}
