import { askedIn, type RequestRecord } from "./record.ts";
import { type PromptRequest, parseRequest, requestedPicture } from "./request.ts";

/**
 * Whether a record is this request's. One that names no seed, or 0 and so leaves it to the model, is content with the
 * seed that was drawn. The record of a deleted request, or of one that was cancelled before anybody had read it, says
 * nothing of its picture, and so belongs to any request with its id.
 */
export function isSameRequest(request: PromptRequest, record: RequestRecord): boolean {
  const asked = record.status === "rejected" ? rejectedRequest(record.body) : askedIn(record);
  if (asked === undefined) return record.status !== "rejected";
  return (
    requestedPicture(asked) === requestedPicture(request) &&
    (!request.seed || asked.seed === undefined || asked.seed === request.seed)
  );
}

/** The record of a rejected request keeps the message as it came. */
function rejectedRequest(body: string): PromptRequest | undefined {
  const parsed = parseRequest(body);
  return parsed.ok ? parsed.request : undefined;
}
