import { randomInt } from "node:crypto";
import { z } from "zod";
import { type Random, stream } from "./painter/random.ts";

/** What one call comes to. */
const callOutcomeSchema = z.enum([
  /** It paints. */
  "ok",
  "ThrottlingException",
  "ModelNotReadyException",
  "InternalServerException",
  "ServiceUnavailableException",
  "ModelTimeoutException",
  "ModelErrorException",
  "ServiceQuotaExceededException",
  "ValidationException",
  "AccessDeniedException",
  "ResourceNotFoundException",
  /** HTTP 200 that says the model failed and may be asked again. */
  "InferenceError",
  /** HTTP 200 that says the prompt, or the finished picture, is blocked. */
  "FilteredPrompt",
  "FilteredImage",
  /** The connection breaks before an answer. */
  "reset",
  /** No answer, ever. */
  "hang",
]);
export type CallOutcome = z.infer<typeof callOutcomeSchema>;

const share = z.number().min(0).max(1);
const milliseconds = z.number().min(0);

/** How the model misbehaves. Nothing set: it works. */
const modelTroubleSchema = z.strictObject({
  /** Time before an answer, beside the painting, in milliseconds: fixed, or drawn from a range. Default 300. */
  latencyMs: z
    .union([milliseconds, z.strictObject({ min: milliseconds, max: milliseconds }).readonly()])
    .exactOptional(),
  /** Share of calls that are throttled, 0 to 1. Default 0. */
  throttle: share.exactOptional(),
  /** Most calls at once; more are throttled. Default: no limit. */
  concurrencyLimit: z.int().min(0).exactOptional(),
  /** Most calls in any minute; more are throttled. Default: no limit. AWS publishes none: each account has its own. */
  requestsPerMinute: z.int().min(0).exactOptional(),
  /** Share of prompts and seeds whose finished picture the filter blocks, 0 to 1. Default 0. */
  filterImages: share.exactOptional(),
  /** Every call fails: the model is down, the account has no access, or nothing is ever answered. */
  every: callOutcomeSchema.exclude(["ok"]).exactOptional(),
  /** What the next calls come to, one after the other; when it is used up, the rest of this object decides. */
  script: z.array(callOutcomeSchema).readonly().exactOptional(),
});
type ModelTrouble = Readonly<z.infer<typeof modelTroubleSchema>>;

export const troubleSchema = modelTroubleSchema.extend({
  /** Nobody has agreed to the models' terms: each works for so many seconds, and then denies access. Default: agreed. */
  newAccountSeconds: z.number().min(0).exactOptional(),
  /** Start of the dice behind `throttle` and a latency range: same seed, same run. Default: any. */
  seed: z.int().exactOptional(),
  /** What is different for single models, by model id. */
  models: z.record(z.string(), modelTroubleSchema.readonly()).readonly().exactOptional(),
});
export type Trouble = Readonly<z.infer<typeof troubleSchema>>;

const DEFAULT_LATENCY_MS = 300;

/** Decides call by call, and remembers how far each script has got. */
export class FaultScript {
  readonly #trouble: Trouble;
  readonly #random: Random;
  readonly #callsByScript = new Map<readonly CallOutcome[], number>();
  /** When the calls of the last minute were let through, by model. */
  readonly #recent = new Map<string, readonly number[]>();
  readonly #firstUse = new Map<string, number>();
  readonly #agreements = new Set<string>();

  constructor(trouble: Trouble) {
    this.#trouble = trouble;
    this.#random = stream(String(trouble.seed ?? randomInt(2 ** 32)));
  }

  /** @param underWay calls to this model that are not answered yet, without this one */
  outcome(modelId: string, underWay: number): CallOutcome {
    const { script, every, concurrencyLimit, throttle = 0 } = this.#of(modelId);
    if (!this.#hasAccess(modelId)) return "AccessDeniedException";
    const scripted = script === undefined ? undefined : this.#nextOf(script);
    if (scripted !== undefined) return scripted;
    if (every !== undefined) return every;
    if (concurrencyLimit !== undefined && underWay >= concurrencyLimit) return "ThrottlingException";
    if (this.#isOverQuota(modelId)) return "ThrottlingException";
    return this.#random() < throttle ? "ThrottlingException" : "ok";
  }

  /** Whether the filter blocks the picture of this prompt with this seed: another seed may do. */
  filtersImage(modelId: string, prompt: string, seed: number): boolean {
    const { filterImages = 0 } = this.#of(modelId);
    return stream(`${seed} ${prompt}`)() < filterImages;
  }

  /** From now on there is an agreement for the model. */
  agree(modelId: string): void {
    this.#agreements.add(modelId);
  }

  /** https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html */
  #hasAccess(modelId: string): boolean {
    const { newAccountSeconds } = this.#trouble;
    if (newAccountSeconds === undefined || this.#agreements.has(modelId)) return true;
    const first = this.#firstUse.get(modelId) ?? Date.now();
    this.#firstUse.set(modelId, first);
    return Date.now() < first + newAccountSeconds * 1000;
  }

  /** https://docs.aws.amazon.com/bedrock/latest/userguide/quotas.html */
  #isOverQuota(modelId: string): boolean {
    const { requestsPerMinute } = this.#of(modelId);
    if (requestsPerMinute === undefined) return false;
    const recent = (this.#recent.get(modelId) ?? []).filter((at) => at > Date.now() - 60_000);
    const isOver = recent.length >= requestsPerMinute;
    this.#recent.set(modelId, isOver ? recent : [...recent, Date.now()]);
    return isOver;
  }

  latencyMs(modelId: string): number {
    const { latencyMs = DEFAULT_LATENCY_MS } = this.#of(modelId);
    return typeof latencyMs === "number"
      ? latencyMs
      : latencyMs.min + this.#random() * (latencyMs.max - latencyMs.min);
  }

  #of(modelId: string): ModelTrouble {
    return { ...this.#trouble, ...this.#trouble.models?.[modelId] };
  }

  #nextOf(script: readonly CallOutcome[]): CallOutcome | undefined {
    const calls = this.#callsByScript.get(script) ?? 0;
    this.#callsByScript.set(script, calls + 1);
    return script[calls];
  }
}
