import { randomUUID } from "node:crypto";
import { requestIdOf } from "../domain/owner.ts";
import {
  type FieldProblem,
  generateRequestSchema,
  type IdentifiedRequest,
  isCountable,
  requestIdSchema,
  validateRequest,
} from "../domain/request.ts";
import { HttpProblem, type HttpRequest } from "./http.ts";
import { LONGEST_PAGE, type PageQuery, readCursor, USUAL_PAGE } from "./request-list.ts";
import { requestStatuses } from "./request-view.ts";

/** Room for both texts at full length with each character escaped in six bytes; in bytes. */
const LARGEST_BODY = 128 * 1024;

export interface Order {
  readonly request: IdentifiedRequest;
  /** How many pictures. */
  readonly count: number;
}

/** Reads what an owner wants painted. Throws {@link HttpProblem}. */
export function readOrder(event: HttpRequest, owner: string | undefined): Order {
  const parsed = validateRequest(readJson(event), generateRequestSchema);
  if (!parsed.ok) throw invalid("The request is not valid.", parsed.problems);
  const { request, count = 1 } = parsed;
  const key = readIdempotencyKey(event.headers["idempotency-key"]);
  if (key !== undefined && request.requestId !== undefined && request.requestId !== key) {
    throw invalid("The request has two different ids.", [
      { field: "requestId", message: "must be the same as the header Idempotency-Key, or left out" },
    ]);
  }
  if (count > 1 && !isCountable(key)) {
    throw invalid("The key is too long.", [
      { field: "Idempotency-Key", message: "must be shorter where count is more than 1" },
    ]);
  }
  const requestId = requestIdOf(owner, key ?? request.requestId ?? randomUUID());
  return { request: { ...request, requestId }, count };
}

/** Reads the id of a request from the path. Throws {@link HttpProblem}. */
export function readId(event: HttpRequest): string {
  return checkId("id", event.pathParameters?.id);
}

/** Reads which page of an owner's list is wanted. Throws {@link HttpProblem} with everything that is wrong. */
export function readPageQuery(event: HttpRequest, owner: string): PageQuery {
  const { limit, cursor, status } = event.queryStringParameters ?? {};
  const errors: FieldProblem[] = [];
  const count = limit === undefined ? USUAL_PAGE : /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > LONGEST_PAGE) {
    errors.push({ field: "limit", message: `must be a whole number from 1 to ${LONGEST_PAGE}` });
  }
  const after = cursor === undefined ? undefined : readCursor(owner, cursor);
  if (cursor !== undefined && after === undefined) {
    errors.push({ field: "cursor", message: "is not the `next` of one of your pages" });
  }
  const wanted = requestStatuses.find((known) => known === status);
  if (status !== undefined && wanted === undefined) {
    errors.push({ field: "status", message: `must be one of ${requestStatuses.join(", ")}` });
  }
  if (errors.length > 0) throw invalid("The page that you ask for is not valid.", errors);
  return { limit: count, after, status: wanted };
}

/**
 * How many seconds the caller would like to wait for the picture: `Prefer: wait=20`. As RFC 7240 wants it, preferences
 * that are not known here are ignored and the first `wait` counts.
 * Throws {@link HttpProblem} where it is no number of seconds.
 */
export function readWait(event: HttpRequest): number {
  const preferences = (event.headers.prefer ?? "")
    .split(",")
    .map((each) => each.split(";")[0]?.split("=") ?? []);
  const wait = preferences.find(([name = ""]) => name.trim().toLowerCase() === "wait");
  if (wait === undefined) return 0;
  const seconds = /^"?(\d+)"?$/.exec(wait.slice(1).join("=").trim())?.[1];
  if (seconds === undefined) {
    throw invalid("The header Prefer is not valid.", [
      { field: "Prefer", message: "wait must be a whole number of seconds, such as wait=20" },
    ]);
  }
  return Number(seconds);
}

function readJson(event: HttpRequest): unknown {
  const bytes = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (bytes.length === 0) {
    throw invalid("The request has no body.", [{ field: "body", message: "is missing: send a JSON object" }]);
  }
  if (bytes.length > LARGEST_BODY) {
    throw new HttpProblem(413, `The body is larger than ${LARGEST_BODY} bytes.`, {
      errors: [{ field: "body", message: `must have at most ${LARGEST_BODY} bytes` }],
    });
  }
  const contentType = event.headers["content-type"] ?? "";
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(contentType)) {
    throw new HttpProblem(415, "The body must be JSON in UTF-8.", {
      errors: [{ field: "Content-Type", message: "must be application/json" }],
      headers: { "accept-post": "application/json" },
    });
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("The body is not JSON.", [{ field: "body", message: "must be a JSON object in UTF-8" }]);
  }
}

/** The draft that defines the header quotes the key; most clients do not. Both are read. */
function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  return checkId("Idempotency-Key", /^"(.*)"$/.exec(header)?.[1] ?? header);
}

function checkId(field: string, value: string | undefined): string {
  const parsed = requestIdSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues[0]?.message ?? "is not an id";
  throw invalid("The id is not valid.", [{ field, message }]);
}

function invalid(detail: string, errors: readonly FieldProblem[]): HttpProblem {
  return new HttpProblem(400, detail, { errors });
}
