/** The request and answer JSON of the Stability text-to-image models, as the models themselves check it. */
import { z } from "zod";
import { lifecycleOf, models } from "../../functions/domain/models.ts";

const ASPECT_RATIOS = ["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"] as const;
const LARGEST_SEED = 4_294_967_294;
const LONGEST_PROMPT = 10_000;

const core = z.strictObject({
  prompt: z.string().min(1).max(LONGEST_PROMPT),
  negative_prompt: z.string().max(LONGEST_PROMPT).optional(),
  aspect_ratio: z.enum(ASPECT_RATIOS).default("1:1"),
  seed: z.int().min(0).max(LARGEST_SEED).default(0),
  // The models' own default differs between them; the stand-in answers with what its painter can make.
  output_format: z.enum(["png", "jpeg"]).default("png"),
});
const withMode = core.extend({ mode: z.literal("text-to-image").default("text-to-image") });

/** What each live model accepts. */
const requestSchemas = {
  "stability.stable-image-core-v1:1": core,
  "stability.sd3-5-large-v1:0": withMode,
  "stability.stable-image-ultra-v1:1": withMode,
} as const;

export type StabilityRequest = z.infer<typeof core>;

export type Check =
  | { readonly type: "valid"; readonly request: StabilityRequest }
  | { readonly type: "retired" }
  | { readonly type: "invalid"; readonly message: string };

/** @param region where the model was asked for; undefined where the request is not signed */
export function checkRequest(modelId: string, region: string | undefined, body: string): Check {
  if (lifecycleOf(modelId, new Date()).state === "retired") return { type: "retired" };
  const schema = schemaOf(modelId);
  const isServed =
    region === undefined || models.some(({ id, regions }) => id === modelId && regions.includes(region));
  if (schema === undefined || !isServed) {
    return { type: "invalid", message: "The provided model identifier is invalid." };
  }
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return invalid("the body is not JSON");
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { type: "valid", request: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => `#/${path.join("/")}: ${message}`);
  return invalid(problems.join("; "));
}

function schemaOf(modelId: string): z.ZodType<StabilityRequest> | undefined {
  return new Map<string, z.ZodType<StabilityRequest>>(Object.entries(requestSchemas)).get(modelId);
}

function invalid(problem: string): Check {
  return {
    type: "invalid",
    message: `Malformed input request: ${problem}, please reformat your input and try again.`,
  };
}
