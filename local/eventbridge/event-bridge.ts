import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import type { CloudEvents } from "../cloud-events.ts";
import type { Stack } from "../stack/stack.ts";
import { LOCAL_ACCOUNT_ID } from "../stack/terraform-attributes.ts";
import { type EventRule, everyEvent, matches } from "./event-rules.ts";
import { type BusEvent, type EntryResult, InvalidRequestError, readEntries } from "./put-events.ts";
import { WebhookDelivery, type WebhookReport } from "./webhook-delivery.ts";

/** What EventBridge says of a call as a whole, with the HTTP status. */
const CALL_ERRORS = { ThrottlingException: 400, AccessDeniedException: 400, InternalException: 500 } as const;

export const eventTroubleSchema = z.strictObject({
  /** The error code of each entry, in an answer with HTTP 200. */
  entries: z.string().exactOptional(),
  /** What becomes of each call instead of an answer. `deaf`: it is done, and never answered. */
  calls: z
    .enum(["ThrottlingException", "AccessDeniedException", "InternalException", "hang", "deaf"])
    .exactOptional(),
  /** For so many calls. Default: all. */
  next: z.int().positive().exactOptional(),
});
/** How EventBridge misbehaves. Nothing set: it works. */
export type EventTrouble = z.output<typeof eventTroubleSchema>;

export interface EventBridgeOptions {
  readonly stack: Pick<Stack, "region" | "eventBuses" | "eventRules" | "queues">;
  /** Takes what cannot be delivered. */
  readonly sqs: SQSClient;
  readonly events: EventEmitter<CloudEvents>;
  /** Where all rules deliver, whatever URLs they have. Undefined: nowhere. */
  readonly webhook: URL | undefined;
  /** The wait before the first retry of a delivery, in milliseconds. */
  readonly firstRetryMs: number;
}

/** The event buses of the local cloud. */
export class EventBridge {
  readonly #options: EventBridgeOptions;
  readonly #stopping = new AbortController();
  readonly #deliveries: readonly { readonly rule: EventRule; readonly delivery: WebhookDelivery }[];
  #trouble: EventTrouble = {};

  constructor(options: EventBridgeOptions) {
    this.#options = options;
    const { stack, webhook: url, events, ...others } = options;
    const { signal } = this.#stopping;
    const rules = stack.eventRules.length > 0 ? stack.eventRules : stack.eventBuses.map(everyEvent);
    const delivering = url && {
      ...{ ...others, url, signal },
      queueUrlOf: (arn: string) => stack.queues.find((queue) => queue.arn === arn)?.url,
      onReport: (report: WebhookReport) => events.emit("webhook", report),
    };
    this.#deliveries =
      delivering === undefined
        ? []
        : rules.map((rule) => ({ rule, delivery: new WebhookDelivery(rule, delivering) }));
  }

  /** What is still to be delivered is lost. */
  stop(): void {
    this.#stopping.abort();
  }

  setTrouble(trouble: EventTrouble): void {
    this.#trouble = trouble;
  }

  /** Whether a request is one that {@link handle} answers. */
  static isMine({ url, headers }: IncomingMessage): boolean {
    return headers["x-amz-target"] === "AWSEvents.PutEvents" || url === "/_events/trouble";
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
      response.end(JSON.stringify(body));
    };
    const input: unknown = await json(request).catch(() => undefined);
    if (request.url === "/_events/trouble") {
      const { data, error } = eventTroubleSchema.safeParse(input);
      if (data === undefined) return answer(400, { message: z.prettifyError(error) });
      this.setTrouble(data);
      return answer(200, data);
    }
    const { calls, entries } = this.#nextTrouble();
    if (calls === "hang") return;
    if (calls !== undefined && calls !== "deaf") return answer(CALL_ERRORS[calls], { __type: calls });
    try {
      const results = readEntries(input, LOCAL_ACCOUNT_ID, this.#options.stack.region).map((result) =>
        entries === undefined ? result : { ErrorCode: entries, ErrorMessage: "as it was told to" },
      );
      for (const result of results) if ("event" in result) this.#accept(result);
      if (calls === "deaf") return;
      const FailedEntryCount = results.filter((result) => "ErrorCode" in result).length;
      answer(200, { FailedEntryCount, Entries: results.map(describe) });
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error;
      answer(400, { __type: "ValidationException", message: error.message });
    }
  }

  #nextTrouble(): EventTrouble {
    const trouble = this.#trouble;
    if (trouble.next !== undefined)
      this.#trouble = trouble.next > 1 ? { ...trouble, next: trouble.next - 1 } : {};
    return trouble;
  }

  /** An event for a bus that does not exist is taken like any other, and nobody gets it. */
  #accept({ busName, event }: { readonly busName: string; readonly event: BusEvent }): void {
    if (this.#options.stack.eventBuses.includes(busName)) this.#options.events.emit("event", event);
    for (const { rule, delivery } of this.#deliveries) {
      if (rule.busName === busName && matches(rule.pattern, event)) void delivery.deliver(event);
    }
  }
}

function describe(result: EntryResult): object {
  return "event" in result ? { EventId: result.event.id } : result;
}
