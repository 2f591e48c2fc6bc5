import type { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { type AskedRequest, drawSeed, isExpired, type Reason } from "../domain/record.ts";
import { SHORTEST_CALL_SECONDS } from "../domain/timing.ts";
import { invokeModel, type ModelAnswer } from "./invoke-model.ts";
import type { ChainedModel } from "./settings.ts";

/** What the chain of models made of a request. */
export type PaintResult =
  | (Extract<ModelAnswer, { kind: "painted" }> & {
      readonly model: ChainedModel;
      /** Whether an earlier model of the chain did not paint it. */
      readonly isFallback: boolean;
    })
  | Exclude<ModelAnswer, { kind: "painted" }>
  /** The request's deadline has passed. `tried`: whether a call had failed before. */
  | { readonly kind: "expired"; readonly tried: boolean }
  /** The invocation ends before a model could have answered. */
  | { readonly kind: "out-of-time"; readonly reason: Reason };

/** What a model answered instead of a picture. */
export type Unpainted = Exclude<PaintResult, { kind: "painted" | "expired" }>;

export interface PaintOptions {
  /** Whether another seed is as good: the caller asked for none. */
  readonly isSeedOurs: boolean;
  /** When the last call must have ended, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Told of each call that brought no picture, and why. */
  readonly onUnpainted: (model: ChainedModel, answer: Unpainted) => void;
}

/**
 * Calls the models of the chain in order. A throttled model is not waited for: the prompt waits in the queue, and the
 * invocation is free for another one.
 */
export class ModelChain {
  readonly #models: readonly { readonly model: ChainedModel; readonly client: BedrockRuntimeClient }[];
  readonly #timeoutMs: number;
  /** The model that is asked first. */
  readonly first: ChainedModel;

  /**
   * @param clientFor gives the client for a region
   * @param timeoutMs the longest that one call may take, in milliseconds
   */
  constructor(
    models: readonly [ChainedModel, ...ChainedModel[]],
    clientFor: (region: string) => BedrockRuntimeClient,
    timeoutMs: number,
  ) {
    this.#models = models.map((model) => ({ model, client: clientFor(model.region) }));
    this.#timeoutMs = timeoutMs;
    this.first = models[0];
  }

  /**
   * Paints a request with the first model that can. A filter's answer is final, but for one more call with another seed
   * where the filter held the picture back. Of all other answers the one that weighs most is given: `failed` before
   * `busy` before `out-of-time` before `unusable` before
   * `unfit`.
   */
  async paint(asked: AskedRequest, options: PaintOptions): Promise<PaintResult> {
    const { deadline, onUnpainted } = options;
    let request = asked;
    let mayRedraw = options.isSeedOurs;
    const answers: Unpainted[] = [];
    for (const { model, client } of this.#models) {
      if (isExpired(asked)) return { kind: "expired", tried: answers.some(({ kind }) => kind === "failed") };
      let answer = await this.#call(client, model, request, deadline);
      if (answer.kind === "withheld" && mayRedraw && !isExpired(asked)) {
        mayRedraw = false;
        onUnpainted(model, answer);
        request = { ...asked, seed: drawSeed() };
        answer = await this.#call(client, model, request, deadline);
      }
      if (answer.kind === "painted") return { ...answer, model, isFallback: answers.length > 0 };
      onUnpainted(model, answer);
      if (answer.kind === "refused" || answer.kind === "withheld") return answer;
      answers.push(answer);
    }
    const [first] = answers.toSorted((a, b) => WEIGHT.indexOf(a.kind) - WEIGHT.indexOf(b.kind));
    if (first === undefined) throw new Error("the chain has no model");
    return first;
  }

  async #call(
    client: BedrockRuntimeClient,
    model: ChainedModel,
    asked: AskedRequest,
    deadline: number,
  ): Promise<ModelAnswer | Extract<PaintResult, { kind: "out-of-time" }>> {
    const timeLeft = deadline - Date.now();
    if (timeLeft < SHORTEST_CALL_SECONDS * 1000) {
      return {
        kind: "out-of-time",
        reason: { code: "OutOfTime", message: "no time left in this invocation" },
      };
    }
    return invokeModel(client, model, asked, AbortSignal.timeout(Math.min(this.#timeoutMs, timeLeft)));
  }
}

// A call that failed may have been paid and so must count as a try, whatever the other models said.
const WEIGHT: readonly Unpainted["kind"][] = ["failed", "busy", "out-of-time", "unusable", "unfit"];
