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

/** Calls the models of the chain, the first first, each within its own limit of calls at once. */
export class ModelChain {
  readonly #links: readonly { model: ChainedModel; client: BedrockRuntimeClient; limit: LimitFunction }[];
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
    for (const { model, client, limit } of this.#links) {
      const answer = await limit(async (): Promise<PaintResult> => {
        const timeLeft = deadline - Date.now();
        if (timeLeft < SHORTEST_CALL_SECONDS * 1000) {
          return {
            kind: "out-of-time",
            reason: { code: "OutOfTime", message: "no time left in this invocation" },
          };
        }
        const signal = AbortSignal.timeout(Math.min(this.#timeoutMs, timeLeft));
        const result = await invokeModel(client, model, asked, signal);
        return result.kind === "painted" ? { ...result, model } : result;
      });
      if (answer.kind === "painted" || answer.kind === "refused") return answer;
      answers.push(answer);
      onUnpainted(model, answer);
    }
    const [first] = answers.toSorted((a, b) => WEIGHT.indexOf(a.kind) - WEIGHT.indexOf(b.kind));
    if (first === undefined) throw new Error("the chain has no model");
    return first;
  }
}

// A call that failed may have been paid and so must count as a try, whatever the other models said.
const WEIGHT = ["failed", "busy", "out-of-time", "unusable"] as const;
