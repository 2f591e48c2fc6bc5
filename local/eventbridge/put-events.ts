import { randomUUID } from "node:crypto";
import { z } from "zod";

const entrySchema = z.object({
  EventBusName: z.string().default("default"),
  Source: z.string().default(""),
  DetailType: z.string().default(""),
  Detail: z.string().default(""),
  Resources: z.array(z.string()).default([]),
  /** In seconds since the epoch. */
  Time: z.number().optional(),
});
type Entry = z.output<typeof entrySchema>;

const inputSchema = z.object({ Entries: z.array(entrySchema) });

/** An event as rules and targets get it. */
export interface BusEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const MOST_ENTRIES = 10;
/** Since 2026-01-29: https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb */
const LIMIT_BYTES = 1_048_576;

/** What became of one entry: an event of a bus, or an error within an answer with HTTP 200. */
export type EntryResult =
  | { readonly busName: string; readonly event: BusEvent }
  | { readonly ErrorCode: string; readonly ErrorMessage: string };

/** A request that EventBridge refuses as a whole. */
export class InvalidRequestError extends Error {}

/** Reads the body of PutEvents. Throws {@link InvalidRequestError}. */
export function readEntries(input: unknown, account: string, region: string): EntryResult[] {
  const { data, error } = inputSchema.safeParse(input);
  if (data === undefined) throw new InvalidRequestError(z.prettifyError(error));
  const { Entries } = data;
  if (Entries.length === 0 || Entries.length > MOST_ENTRIES) {
    throw new InvalidRequestError(
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and ${MOST_ENTRIES}`,
    );
  }
  if (Entries.reduce((sum, entry) => sum + sizeOf(entry), 0) >= LIMIT_BYTES) {
    throw new InvalidRequestError("Total size of the entries in the request is over the limit.");
  }
  return Entries.map((entry) => readEntry(entry, account, region));
}

function readEntry(entry: Entry, account: string, region: string): EntryResult {
  for (const name of ["Source", "DetailType", "Detail"] as const) {
    if (entry[name] === "") {
      const ErrorMessage = `Parameter ${name} is not valid. Reason: ${name} is a required argument.`;
      return { ErrorCode: "InvalidArgument", ErrorMessage };
    }
  }
  if (entry.Source.startsWith("aws.")) {
    const ErrorMessage = "Not authorized for the source.";
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage };
  }
  const detail = parseDetail(entry.Detail);
  if (detail === undefined) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  // EventBridge keeps whole seconds.
  const time = new Date(Math.floor(entry.Time ?? Date.now() / 1000) * 1000).toISOString();
  return {
    busName: entry.EventBusName.split("/").at(-1) ?? "",
    event: {
      ...{ version: "0", id: randomUUID(), account, region, detail },
      "detail-type": entry.DetailType,
      source: entry.Source,
      time: time.replace(".000Z", "Z"),
      resources: entry.Resources,
    },
  };
}

function parseDetail(text: string): BusEvent["detail"] | undefined {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** In bytes: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size */
function sizeOf({ Time, Source, DetailType, Detail, Resources }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return (Time === undefined ? 0 : 14) + texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
