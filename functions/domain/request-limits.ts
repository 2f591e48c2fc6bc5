/** What may be asked for. A model may paint less: `ModelLimits`. */
export const ASPECT_RATIOS = ["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"] as const;
export const OUTPUT_FORMATS = ["png", "jpeg"] as const;
export type AspectRatio = (typeof ASPECT_RATIOS)[number];
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** The longest prompt that the models take, in UTF-16 code units. */
export const MAX_PROMPT_LENGTH = 10_000;
/** The longest deadline, in seconds: a prompt is kept on the queue for ten days. */
export const MAX_EXPIRES_IN_SECONDS = 864_000;
/** The most pictures for one prompt. */
export const MAX_COUNT = 10;
/** The largest seed that the models take. */
export const MAX_SEED = 4_294_967_294;
