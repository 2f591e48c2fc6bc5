import * as z from "zod/mini";
import { models } from "../domain/models.ts";

// A function parses a few small objects in its life: compiling parsers for them costs more than it brings.
z.config({ jitless: true });

const modelSchema = z.pipe(
  z.object({ id: z.string(), region: z.string(), pricePerImageUsd: z.number() }),
  z.transform((chained, context) => {
    const model = models.find(({ id }) => id === chained.id);
    if (model !== undefined) return { ...model, ...chained };
    context.issues.push({ code: "custom", message: `${chained.id} is not in the catalogue`, input: chained });
    return z.NEVER;
  }),
);

const environmentSchema = z.object({
  /** What the metrics are kept by. */
  ENVIRONMENT: z.string().check(z.minLength(1)),
  IMAGE_BUCKET: z.string().check(z.minLength(1)),
  KEY_PREFIX: z.string(),
  SQS_QUEUE_URL: z.url(),
  EVENT_BUS: z.string().check(z.minLength(1)),
  /** The models to try, in this order, as JSON. */
  MODEL_CHAIN: z.pipe(
    z.string(),
    z.transform((text: string) => z.tuple([modelSchema], modelSchema).parse(JSON.parse(text))),
  ),
  /** After this many receives SQS moves a message to the dead-letter queue. */
  RECEIVE_LIMIT: z.coerce.number().check(z.int(), z.positive()),
  LEASE_SECONDS: z.coerce.number().check(z.positive()),
  /** The longest that one call of a model may take. */
  MODEL_TIMEOUT_SECONDS: z.coerce.number().check(z.positive()),
  /** A prompt that is older is given up when throttling keeps it from being painted. */
  GIVE_UP_AFTER_SECONDS: z.coerce.number().check(z.positive()),
  /** The unique id of the function's role. */
  ROLE_ID: z.string().check(z.minLength(1)),
  CODE_VERSION: z.string(),
});

export type ConsumerSettings = z.output<typeof environmentSchema>;
export type ChainedModel = ConsumerSettings["MODEL_CHAIN"][number];

/** Reads the function's environment. Throws a ZodError that names every variable that is wrong. */
export function readSettings(environment: NodeJS.ProcessEnv): ConsumerSettings {
  return environmentSchema.parse(environment);
}
