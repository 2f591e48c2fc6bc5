import { setTimeout } from "node:timers/promises";
import type { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import pLimit, { type LimitFunction } from "p-limit";
import type { AskedRequest, Reason } from "../domain/record.ts";
import { SHORTEST_CALL_SECONDS } from "../domain/timing.ts";
import { invokeModel } from "./invoke-model.ts";
import type { ModelAnswer } from "./model-answer.ts";
import type { ChainedModel } from "./settings.ts";

/** What the chain of models made of a request. */
export type PaintResult =
  | {
      readonly kind: "painted";
      readonly bytes: Uint8Array;
      readonly seed: number;
      readonly modelMs: number;
      readonly model: ChainedModel;
    }
  | Exclude<ModelAnswer, { kind: "painted" }>
  /** The invocation ends before a model could have answered. */
  | { readonly kind: "out-of-time"; readonly reason: Reason };

/** What a model answered that did not paint, and that another model may still paint. */
type Unpainted = Exclude<PaintResult, { kind: "painted" | "refused" }>;

/**
 * How often a model is called at the most while it answers that it is throttled, and the longest wait before the second
 * call, in milliseconds, doubled before each further one. A throttled call is never paid, and its slot would be idle anyway
 * until the batch ends.
 */
export const MOST_CALLS = 4;
export const LONGEST_WAIT_MS = 250;

interface Link {
  readonly model: ChainedModel;
  readonly client: BedrockRuntimeClient;
  readonly limit: LimitFunction;
  /** Whether it took nothing the last time, however often it was called: then nobody waits for it until it does. */
  isOverloaded: boolean;
}

/** Calls the models of the chain, the first first, each within its own limit of calls at once. */
export class ModelChain {
  readonly #links: readonly Link[];
  readonly #timeoutMs: number;

  /**
   * @param clientFor gives the client for a region
   * @param timeoutMs the longest that one call may take, in milliseconds
   */
  constructor(
    models: readonly ChainedModel[],
    clientFor: (region: string) => BedrockRuntimeClient,
    timeoutMs: number,
  ) {
    this.#links = models.map((model) => ({
      model,
      client: clientFor(model.region),
      limit: pLimit(model.slots),
      isOverloaded: false,
    }));
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Paints a request with the first model that can. A request that one refuses is refused; of all other answers the
   * one that weighs most is given: `failed` before `busy` before `out-of-time` before `unusable`.
   * @param deadline when the last call must have ended, in milliseconds since the epoch
   * @param onUnpainted is told why a model did not paint, before the next one is tried
   */
  async paint(
    asked: AskedRequest,
    deadline: number,
    onUnpainted: (model: ChainedModel, answer: Unpainted) => void,
  ): Promise<PaintResult> {
    const answers: Unpainted[] = [];
    for (const link of this.#links) {
      const answer = await link.limit(() => this.#call(link, asked, deadline));
      if (answer.kind === "painted" || answer.kind === "refused") return answer;
      answers.push(answer);
      onUnpainted(link.model, answer);
    }
    const [first] = answers.toSorted((a, b) => WEIGHT.indexOf(a.kind) - WEIGHT.indexOf(b.kind));
    if (first === undefined) throw new Error("the chain has no model");
    return first;
  }

  /** Calls one model, again while it is throttled. */
  async #call(link: Link, asked: AskedRequest, deadline: number): Promise<PaintResult> {
    const { model, client } = link;
    for (let calls = 1; ; calls++) {
      const timeLeft = deadline - Date.now();
      if (timeLeft < SHORTEST_CALL_SECONDS * 1000) {
        return {
          kind: "out-of-time",
          reason: { code: "OutOfTime", message: "no time left in this invocation" },
        };
      }
      const signal = AbortSignal.timeout(Math.min(this.#timeoutMs, timeLeft));
      const result = await invokeModel(client, model, asked, signal);
      if (result.kind === "painted") {
        link.isOverloaded = false;
        return { ...result, model };
      }
      if (!isThrottled(result)) return result;
      if (link.isOverloaded || calls === MOST_CALLS) {
        link.isOverloaded = true;
        return result;
      }
      await setTimeout(Math.random() * LONGEST_WAIT_MS * 2 ** (calls - 1));
    }
  }
}

function isThrottled(answer: Exclude<ModelAnswer, { kind: "painted" }>): boolean {
  return answer.kind === "busy" && answer.reason.code === "ThrottlingException";
}

// A call that failed may have been paid and so must count as a try, whatever the other models said.
const WEIGHT = ["failed", "busy", "out-of-time", "unusable"] as const;
