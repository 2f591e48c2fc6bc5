import type { RequestView } from "../api/request-view.ts";
import type { FieldProblem, PromptRequestInput } from "../domain/request.ts";

/** What the user asks for. The key under which it is sent is chosen here. */
export type Wish = Omit<PromptRequestInput, "requestId">;

/** Why a call brought nothing, as far as it matters to a reader of the page. */
export type Trouble =
  /** The browser could not reach the API. */
  | { readonly kind: "offline" }
  /** No token, or one that has expired. */
  | { readonly kind: "logged-out" }
  /** API Gateway refused it: too many requests. */
  | { readonly kind: "busy" }
  /** The API failed, or did not answer in time. */
  | { readonly kind: "unavailable" }
  /** The request will never be accepted as it is. */
  | { readonly kind: "refused"; readonly status: number; readonly problems: readonly FieldProblem[] };

export type Answer<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** When to ask again, in milliseconds. */
      readonly retryMs: number;
    }
  | { readonly ok: false; readonly trouble: Trouble };

/** A page of one's own requests, newest first. */
export interface RequestPage {
  readonly requests: readonly RequestView[];
  /** The cursor of the next page; undefined on the last one. */
  readonly next?: string;
}

/** How many requests there are on a page. */
const PAGE_LENGTH = 24;
/** API Gateway ends every request after 30 seconds; this is a little longer. In milliseconds. */
const LONGEST_CALL_MS = 35_000;
/** When to ask again where the API does not say, in milliseconds. */
const RETRY_MS = 2_000;

/** The calls of the API that the page makes. None of them throws. */
export class Api {
  readonly #token: () => string | undefined;

  /** @param token of the person who is logged in; undefined where the API asks for none */
  constructor(token: () => string | undefined) {
    this.#token = token;
  }

  /** @param key the same request under one key is painted once, however often it is sent */
  send(key: string, wish: Wish): Promise<Answer<RequestView>> {
    const headers = { "content-type": "application/json", "idempotency-key": key };
    return this.#call("POST", "/generate", isRequest, { headers, body: JSON.stringify(wish) });
  }

  look(requestId: string): Promise<Answer<RequestView>> {
    return this.#call("GET", `/requests/${encodeURIComponent(requestId)}`, isRequest);
  }

  /** @param cursor of the page; undefined for the newest requests */
  list(cursor: string | undefined): Promise<Answer<RequestPage>> {
    const query = new URLSearchParams({
      limit: String(PAGE_LENGTH),
      ...(cursor !== undefined && { cursor }),
    });
    return this.#call("GET", `/requests?${query}`, isPage);
  }

  cancel(requestId: string): Promise<Answer<RequestView>> {
    return this.#call("POST", `/requests/${encodeURIComponent(requestId)}/cancel`, isRequest);
  }

  remove(requestId: string): Promise<Answer<undefined>> {
    return this.#call("DELETE", `/requests/${encodeURIComponent(requestId)}`, (body) => body === undefined);
  }

  async #call<T>(
    method: string,
    path: string,
    accepts: (body: unknown) => body is T,
    init: { readonly headers?: Record<string, string>; readonly body?: string } = {},
  ): Promise<Answer<T>> {
    const token = this.#token();
    const headers = { ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    try {
      const signal = AbortSignal.timeout(LONGEST_CALL_MS);
      const response = await fetch(path, { ...init, method, headers, signal, cache: "no-store" });
      const body: unknown = response.status === 204 ? undefined : await response.json();
      if (!response.ok) return { ok: false, trouble: troubleOf(response.status, body) };
      if (!accepts(body)) return { ok: false, trouble: { kind: "unavailable" } };
      const seconds = Number(response.headers.get("retry-after"));
      return { ok: true, value: body, retryMs: seconds > 0 ? seconds * 1000 : RETRY_MS };
    } catch (error) {
      // fetch throws a TypeError where there is no connection; what else is thrown is an answer that is late or no JSON.
      const kind = error instanceof TypeError ? "offline" : "unavailable";
      return { ok: false, trouble: { kind } };
    }
  }
}

function troubleOf(status: number, body: unknown): Trouble {
  if (status === 401) return { kind: "logged-out" };
  if (status === 429) return { kind: "busy" };
  if (status >= 500) return { kind: "unavailable" };
  return { kind: "refused", status, problems: hasProblems(body) ? body.errors : [] };
}

/** The page and the API are deployed together, so that its fields are those of the type. */
function isRequest(body: unknown): body is RequestView {
  return typeof body === "object" && body !== null && "requestId" in body && "status" in body;
}

function isPage(body: unknown): body is RequestPage {
  return typeof body === "object" && body !== null && "requests" in body && Array.isArray(body.requests);
}

function hasProblems(body: unknown): body is { readonly errors: readonly FieldProblem[] } {
  return typeof body === "object" && body !== null && "errors" in body && Array.isArray(body.errors);
}
