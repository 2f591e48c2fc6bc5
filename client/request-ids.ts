import { createHash } from "node:crypto";
import type { IdentifiedRequest, PromptRequest } from "../functions/domain/request.ts";

/**
 * Gives ids to requests that have none. The id comes from what is asked, the batch's name, and how often the same was
 * asked before in this batch: the same batch sent again has the same ids whatever lines were added, removed or moved,
 * and a prompt that stands there twice has two.
 */
export class RequestIds {
  readonly #batch: string;
  // The price for ids that do not hang on line numbers: about a hundred bytes for each different request.
  readonly #seen = new Map<string, number>();

  constructor(batch: string) {
    this.#batch = batch;
  }

  identify(request: PromptRequest): IdentifiedRequest {
    const { requestId } = request;
    if (requestId !== undefined) return { ...request, requestId };
    const key = derivedId(this.#batch, request);
    const earlier = this.#seen.get(key) ?? 0;
    this.#seen.set(key, earlier + 1);
    return { ...request, requestId: earlier === 0 ? key : `${key}-${earlier + 1}` };
  }
}

/** The id of a request within a batch: 128 bits, in hexadecimal. */
export function derivedId(batch: string, request: PromptRequest): string {
  const { requestId: _, ...picture } = request;
  const identity = JSON.stringify([batch, picture]);
  return createHash("sha256").update(identity).digest("hex").slice(0, 32);
}
