import { z } from "zod";

const modelSchema = z.object({
  id: z.string(),
  region: z.string(),
  pricePerImageUsd: z.number(),
  takesMode: z.boolean(),
  /** How many calls one invocation may have under way at once. */
  slots: z.int().positive(),
});

const environmentSchema = z.object({
  /** What the metrics are kept by. */
  ENVIRONMENT: z.string().min(1),
  IMAGE_BUCKET: z.string().min(1),
  KEY_PREFIX: z.string(),
  SQS_QUEUE_URL: z.url(),
  /** The models to try, in this order, as JSON. */
  MODEL_CHAIN: z.string().transform((text) => z.array(modelSchema).min(1).parse(JSON.parse(text))),
  /** After this many receives SQS moves a message to the dead-letter queue. */
  RECEIVE_LIMIT: z.coerce.number().int().positive(),
  LEASE_SECONDS: z.coerce.number().positive(),
  /** The longest that one call of a model may take. */
  MODEL_TIMEOUT_SECONDS: z.coerce.number().positive(),
  /** A prompt that is older is given up when throttling keeps it from being painted. */
  GIVE_UP_AFTER_SECONDS: z.coerce.number().positive(),
  CODE_VERSION: z.string(),
});

export type ConsumerSettings = z.output<typeof environmentSchema>;
export type ChainedModel = ConsumerSettings["MODEL_CHAIN"][number];

/** Reads the function's environment. Throws a ZodError that names every variable that is wrong. */
export function readSettings(environment: NodeJS.ProcessEnv): ConsumerSettings {
  return environmentSchema.parse(environment);
}
