import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import * as z from "zod/mini";
import { CALL_LIMITS } from "./call-limits.ts";
import { type ClosedRecord, cancelledSchema, type FailedRecord, succeededSchema } from "./record.ts";
import { requestIdSchema } from "./request.ts";

/** The `source` of every event. */
export const EVENT_SOURCE = "image-generation";

/** The statuses that events tell of. */
export const TOLD_STATUSES = ["succeeded", "rejected", "failed", "cancelled", "expired", "deleted"] as const;

const { model, region, image, costUsd, attempts } = succeededSchema.shape;

/** What an event says of a request: what its record says, without anything that a person wrote. */
export const requestEventSchema = z.object({
  eventId: z
    .string()
    .check(z.describe("The same each time that this event is repeated: ignore one that you have seen.")),
  requestId: requestIdSchema,
  owner: z.optional(z.string()).check(z.describe("The caller whose request it is, as a digest.")),
  status: z.enum(TOLD_STATUSES),
  attempts: z.optional(attempts),
  timings: cancelledSchema.shape.timings,
  model: z.optional(model),
  region: z.optional(region),
  costUsd: z.optional(costUsd),
  image: z.optional(image),
  reason: z
    .optional(z.object({ code: z.string() }))
    .check(z.describe("Why there is no picture. The record has it in words.")),
});
export type RequestEvent = z.output<typeof requestEventSchema>;

/** The event of a record. The schema leaves out what is not for everybody, such as the prompt. */
export function eventOf(record: ClosedRecord | FailedRecord): RequestEvent {
  const timings = record.status === "deleted" ? { finishedAt: record.deletedAt } : record.timings;
  const eventId = `${record.requestId}:${record.status}:${timings.finishedAt}`;
  return requestEventSchema.parse({ ...record, eventId, timings });
}

/** EventBridge did not take an event; the name of the error is its code. */
export class UntoldError extends Error {
  constructor(code: string, message: string) {
    super(message);
    this.name = code;
  }
}

/** The event bus, on which everybody who wants to know is told how requests end. */
export class Events {
  readonly #client = new EventBridgeClient({ requestHandler: CALL_LIMITS, maxAttempts: 2 });
  readonly #bus: string;

  /** @param bus its name */
  constructor(bus: string) {
    this.#bus = bus;
  }

  /**
   * Tells how a request ended. Throws where it is not certain that EventBridge has the event: tell again then.
   * EventBridge answers with HTTP 200 also for an event that it did not take.
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevents-failures
   */
  async tell(record: ClosedRecord | FailedRecord): Promise<void> {
    const event = eventOf(record);
    const { FailedEntryCount, Entries = [] } = await this.#client.send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: this.#bus,
            Source: EVENT_SOURCE,
            DetailType: `Request ${event.status}`,
            Detail: JSON.stringify(event),
            Time: new Date(event.timings.finishedAt),
          },
        ],
      }),
    );
    if (FailedEntryCount === 0) return;
    const { ErrorCode = "unknown", ErrorMessage = "EventBridge did not take the event" } = Entries[0] ?? {};
    throw new UntoldError(ErrorCode, ErrorMessage);
  }
}
