import type { SQSRecord } from "aws-lambda";
import { z } from "zod";
import type { Call } from "./call.ts";
import type { Track } from "./evidence.ts";
import type { PlannedPrompt } from "./plan.ts";

const requestSchema = z.object({ requestId: z.string() });

/** What is known of all prompts, and which of them a message or a call is about. */
export class Tracks {
  readonly #byRequest = new Map<string, Track>();
  /** By prompt and by receipt. */
  readonly #linked = new Map<string, Track>();

  all(): Track[] {
    return [...this.#byRequest.values()];
  }

  /** The track of a request, a new one where it has none yet. */
  open(requestId: string, planned: PlannedPrompt): Track {
    const track = this.#byRequest.get(requestId) ?? {
      ...{ requestId, planned, calls: [], paid: [], deadLetters: [], statuses: [] },
      ...{ abandoned: 0, failedCalls: 0, leaseExcessMs: Number.NEGATIVE_INFINITY },
      leaseMarginMs: Number.POSITIVE_INFINITY,
      ...{ deletesLost: 0, duplicates: 0, underWay: 0, heldUp: 0, modelCallsWhenWithdrawn: undefined },
    };
    this.#byRequest.set(requestId, track);
    return track;
  }

  /** From now on calls about this prompt or receipt belong to the track. */
  link(promptOrReceipt: string, track: Track): void {
    this.#linked.set(promptOrReceipt, track);
  }

  ofRequest(requestId: string): Track | undefined {
    return this.#byRequest.get(requestId);
  }

  ofMessage({ body, messageId }: SQSRecord): Track {
    const requestId = body.startsWith("{") ? requestSchema.parse(JSON.parse(body)).requestId : messageId;
    return known(this.#byRequest.get(requestId), requestId);
  }

  ofCall({ target, about }: Call): Track {
    if (target === "store" || target === "index") {
      const requestId =
        about
          .split("/")
          .at(-1)
          ?.replace(/^\d{13}-|\.\w+$/g, "") ?? "";
      return known(this.#byRequest.get(requestId), about);
    }
    if (about.startsWith("{")) {
      return known(this.#byRequest.get(requestSchema.parse(JSON.parse(about)).requestId), about);
    }
    return known(this.#linked.get(about), about);
  }
}

function known(track: Track | undefined, about: string): Track {
  if (track === undefined) throw new Error(`nobody sent ${about}`);
  return track;
}
