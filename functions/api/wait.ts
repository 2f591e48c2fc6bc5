import { setTimeout } from "node:timers/promises";
import { errorName } from "../domain/error-name.ts";
import type { RequestRecord } from "../domain/record.ts";
import type { RecordStore } from "../domain/record-store.ts";
import { SECONDS_PER_PICTURE } from "../domain/timing.ts";

/** How often to look whether a request is finished, in milliseconds. */
const POLL_MS = 500;
/** How long to wait for somebody to begin painting, in milliseconds: within the time of a picture a place becomes free. */
const PICK_UP_MS = SECONDS_PER_PICTURE * 1000;
/** How long a look may take that begins when the wait ends, in milliseconds. */
const LAST_LOOK_MS = 1_000;

/** Whether there is something to wait for. */
export function isOpen({ status }: RequestRecord): boolean {
  return status === "queued" || status === "generating";
}

/** Waits until a request has ended, but not for longer than that, nor in vain for somebody to begin with it. */
export async function waitFor(
  record: RequestRecord,
  seconds: number,
  records: RecordStore,
): Promise<RequestRecord> {
  const endsAt = Date.now() + seconds * 1000;
  const pickUpEndsAt = Math.min(endsAt, Date.now() + PICK_UP_MS);
  let current = record;
  while (isOpen(current) && Date.now() < (current.status === "queued" ? pickUpEndsAt : endsAt)) {
    await setTimeout(POLL_MS);
    const given = setTimeout(endsAt - Date.now() + LAST_LOOK_MS, undefined);
    current = (await Promise.race([look(record.requestId, records), given])) ?? current;
  }
  return current;
}

/** A look that fails must not fail the answer: a caller who is not told the id pays for a second picture. */
async function look(requestId: string, records: RecordStore): Promise<RequestRecord | undefined> {
  try {
    return (await records.read(requestId))?.record;
  } catch (error) {
    console.warn({
      event: "record poll failed",
      requestId,
      code: errorName(error),
    });
    return undefined;
  }
}
