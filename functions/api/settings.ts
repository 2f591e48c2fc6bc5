import * as z from "zod/mini";

// A function parses a few small objects in its life: compiling parsers for them costs more than it brings.
z.config({ jitless: true });

const environmentSchema = z.object({
  IMAGE_BUCKET: z.string().check(z.minLength(1)),
  KEY_PREFIX: z.string(),
  SQS_QUEUE_URL: z.url(),
  EVENT_BUS: z.string().check(z.minLength(1)),
  /** How many pictures the consumer paints at once. */
  PICTURES_AT_ONCE: z.coerce.number().check(z.int(), z.positive()),
  /** Whether callers may wait for their picture: not where that would use up the account. */
  MAY_WAIT: z.enum(["true", "false"]),
  /** How long the bucket keeps a picture. Not there: until somebody deletes it. */
  PICTURES_DAYS: z.optional(z.coerce.number().check(z.int(), z.positive())),
  CODE_VERSION: z.string(),
  /** Who logs people in to the studio, as JSON. Not there: nobody has to log in. */
  LOGIN: z.optional(
    z.pipe(
      z.pipe(
        z.string(),
        z.transform((text) => JSON.parse(text)),
      ),
      z.object({ issuer: z.string(), clientId: z.string() }),
    ),
  ),
});

export type ApiSettings = z.output<typeof environmentSchema>;

/** Reads the function's environment. Throws a ZodError that names every variable that is wrong. */
export function readSettings(environment: NodeJS.ProcessEnv): ApiSettings {
  return environmentSchema.parse(environment);
}
