import { z } from "zod";

const environmentSchema = z.object({
  IMAGE_BUCKET: z.string().min(1),
  KEY_PREFIX: z.string(),
  SQS_QUEUE_URL: z.url(),
  /** How many pictures the consumer paints at once. */
  PICTURES_AT_ONCE: z.coerce.number().int().positive(),
  /** What one picture takes as a rule. */
  SECONDS_PER_PICTURE: z.coerce.number().positive(),
  CODE_VERSION: z.string(),
});

export type ApiSettings = z.output<typeof environmentSchema>;

/** Reads the function's environment. Throws a ZodError that names every variable that is wrong. */
export function readSettings(environment: NodeJS.ProcessEnv): ApiSettings {
  return environmentSchema.parse(environment);
}
