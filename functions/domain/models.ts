import type { Model } from "./models/contract.ts";
import { sd35Large } from "./models/sd3-5-large.ts";
import { stableImageCore } from "./models/stable-image-core.ts";
import { stableImageUltra } from "./models/stable-image-ultra.ts";
import { DAY_MS } from "./timing.ts";

/** A model that AWS no longer serves. `endOfLife` is left out where AWS published no date. */
export interface RetiredModel {
  readonly id: string;
  readonly endOfLife?: string;
}

/** Source of the models and their lifecycle: https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html */
export const models: readonly Model[] = [stableImageCore, sd35Large, stableImageUltra];

export const retiredModels: readonly RetiredModel[] = [
  { id: "amazon.nova-canvas-v1:0", endOfLife: "2026-09-30" },
  { id: "amazon.titan-image-generator-v2:0", endOfLife: "2026-06-30" },
  { id: "amazon.titan-image-generator-v1" },
  { id: "stability.stable-diffusion-xl-v1", endOfLife: "2025-05-20" },
  { id: "stability.stable-image-core-v1:0" },
  { id: "stability.stable-image-ultra-v1:0" },
  { id: "stability.sd3-large-v1:0" },
];

/** How long before its end a model, or anything else, is worth a warning. AWS may give only 45 days' notice. */
export const NOTICE_DAYS = 90;

export type Lifecycle =
  | { readonly state: "active"; readonly model: Model }
  | { readonly state: "ending"; readonly model: Model; readonly endOfLife: string; readonly daysLeft: number }
  | { readonly state: "retired"; readonly endOfLife: string | undefined }
  | { readonly state: "unknown" };

/**
 * Where a model stands in its life on a given day.
 * @param id the Bedrock model id
 * @param today the day to judge by
 * @param catalogue the models to look in; default: {@link models}
 */
export function lifecycleOf(id: string, today: Date, catalogue: readonly Model[] = models): Lifecycle {
  const retired = retiredModels.find((model) => model.id === id);
  if (retired !== undefined) return { state: "retired", endOfLife: retired.endOfLife };
  const model = catalogue.find((candidate) => candidate.id === id);
  if (model === undefined) return { state: "unknown" };
  if (model.endOfLife === undefined) return { state: "active", model };
  const daysLeft = Math.ceil((Date.parse(model.endOfLife) - today.getTime()) / DAY_MS);
  if (daysLeft <= 0) return { state: "retired", endOfLife: model.endOfLife };
  if (daysLeft > NOTICE_DAYS) return { state: "active", model };
  return { state: "ending", model, endOfLife: model.endOfLife, daysLeft };
}
