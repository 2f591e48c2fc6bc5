import * as z from "zod/mini";
import { ownerSchema } from "./owner.ts";
import {
  ASPECT_RATIOS,
  MAX_COUNT,
  MAX_EXPIRES_IN_SECONDS,
  MAX_PROMPT_LENGTH,
  MAX_SEED,
  OUTPUT_FORMATS,
} from "./request-limits.ts";

// Control characters: everything below U+0020 but tab, line feed and carriage return; DEL; and the C1 block.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const NO_CONTROL_CHARACTERS = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$/u;
// With the flag u, a surrogate is only seen where it stands alone.
const WELL_FORMED = /^[^\ud800-\udfff]*$/u;

const promptText = z
  .string({ error: "must be a string" })
  .check(
    z.trim(),
    z.maxLength(MAX_PROMPT_LENGTH, { error: `must have at most ${MAX_PROMPT_LENGTH} characters` }),
    z.regex(NO_CONTROL_CHARACTERS, { error: "must not contain control characters" }),
    z.regex(WELL_FORMED, { error: "must be well-formed Unicode (it has a lone surrogate)" }),
  );

export const requestIdSchema = z.string({ error: "must be a string" }).check(
  z.regex(/^[A-Za-z0-9_-]{1,64}$/, {
    error: "must have 1 to 64 characters out of A-Z, a-z, 0-9, _ and -",
  }),
);

const expiryError = { error: `must be a whole number of seconds from 1 to ${MAX_EXPIRES_IN_SECONDS}` };
const seedError = { error: `must be an integer from 0 to ${MAX_SEED}` };
const seedSchema = z.int(seedError).check(z.minimum(0, seedError), z.maximum(MAX_SEED, seedError));
/** A seed that comes back, from a model or with a stored picture: as a number or in digits; `undefined` where it is none. */
export const returnedSeedSchema = z.catch(
  z.optional(
    z.union([
      seedSchema,
      z.pipe(z.string().check(z.regex(/^\d+$/)), z.pipe(z.transform(Number), seedSchema)),
    ]),
  ),
  undefined,
);

/** What a user may ask for: the body of a message on the prompt queue, and of `POST /generate`. */
export const promptRequestSchema = z.strictObject({
  prompt: promptText.check(
    z.regex(/\S/, { error: "must not be empty" }),
    z.describe("What the picture shows. White space around it is removed."),
  ),
  requestId: z
    .optional(requestIdSchema)
    .check(z.describe("A key of your choice. The same request under one key is painted once.")),
  negativePrompt: z.optional(promptText).check(z.describe("What the picture must not show.")),
  aspectRatio: z
    ._default(z.enum(ASPECT_RATIOS, { error: `must be one of ${ASPECT_RATIOS.join(", ")}` }), "1:1")
    .check(z.describe("Width to height.")),
  seed: z
    .optional(seedSchema)
    .check(
      z.describe(
        "The same prompt with the same seed gives the same picture. With 0 the model chooses one. Without a seed, a random one is used.",
      ),
    ),
  outputFormat: z
    ._default(z.enum(OUTPUT_FORMATS, { error: `must be one of ${OUTPUT_FORMATS.join(", ")}` }), "png")
    .check(z.describe("The file format of the picture.")),
  expiresInSeconds: z
    .optional(
      z.int(expiryError).check(z.minimum(1, expiryError), z.maximum(MAX_EXPIRES_IN_SECONDS, expiryError)),
    )
    .check(
      z.describe(
        "The deadline, in seconds from when the prompt is sent. A request that no model was called for by then ends as `expired`, and costs nothing.",
      ),
    ),
});

const countError = { error: `must be a whole number from 1 to ${MAX_COUNT}` };
/** The pictures of one prompt are numbered, which makes their ids longer. */
const LONGEST_COUNTED_ID = 64 - `-${MAX_COUNT}`.length;

/** What `POST /generate` takes: a request, or several of one prompt. */
export const generateRequestSchema = z.extend(promptRequestSchema, {
  count: z
    .optional(z.int(countError).check(z.minimum(1, countError), z.maximum(MAX_COUNT, countError)))
    .check(
      z.describe(
        "How many pictures. Each is a request of its own, with the id of the first and a number. They are accepted together or not at all. With a seed, each has the next one.",
      ),
    ),
});

/** What the body of a message may say: requests, and in a copy that the consumer sent, their age and their owner. */
const messageSchema = z.extend(generateRequestSchema, {
  /** When the prompt was first sent, in milliseconds since the epoch. */
  firstSentMs: z.optional(z.int({ error: "must be a whole number of milliseconds" })),
  owner: z.optional(ownerSchema),
});

const pictureSchema = z.omit(z.object(promptRequestSchema.shape), {
  requestId: true,
  seed: true,
  expiresInSeconds: true,
});

/** All that a request says of its picture but the seed, as JSON: the same text for the same picture. */
export function requestedPicture(request: z.output<typeof pictureSchema>): string {
  return JSON.stringify(pictureSchema.parse(request));
}

export type PromptRequestInput = z.input<typeof promptRequestSchema>;
export type PromptRequest = z.output<typeof promptRequestSchema>;
/** A request with the id under which it is painted once, and its record kept. */
export type IdentifiedRequest = PromptRequest & { readonly requestId: string };

/** Why a request, or a field of it, was refused. */
export interface FieldProblem {
  /** The field's name; `body` where no single field is wrong. */
  readonly field: string;
  readonly message: string;
}

/** The most unknown fields that are named: a message of a megabyte has room for a hundred thousand. */
const MOST_UNKNOWN_FIELDS = 10;
/** How much of an unknown field's name is kept, in UTF-16 code units. */
const LONGEST_FIELD_NAME = 64;

export type ParsedRequest =
  | {
      readonly ok: true;
      readonly request: PromptRequest;
      /** How many pictures; undefined: one. */
      readonly count?: number | undefined;
      /** When the prompt was first sent, where the message is a copy: in milliseconds since the epoch, as anybody wrote it. */
      readonly firstSentMs?: number | undefined;
      /** The request's owner, where the message is a copy: as anybody wrote it. */
      readonly owner?: string | undefined;
    }
  | {
      readonly ok: false;
      readonly problems: readonly [FieldProblem, ...FieldProblem[]];
      /** The id that the sender chose, where it is a valid one. */
      readonly requestId: string | undefined;
    };

/**
 * Reads the body of a message: JSON if its first non-blank character is `{`, else a plain-text prompt.
 * Never throws; every problem is reported, each with its field.
 */
export function parseRequest(body: string): ParsedRequest {
  if (!body.trimStart().startsWith("{")) return validateRequest({ prompt: body });
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return {
      ok: false,
      problems: [{ field: "body", message: "starts with { but is not valid JSON" }],
      requestId: undefined,
    };
  }
  const result = messageSchema.safeParse(value);
  if (!result.success) return refused(value, result.error);
  return checkCount(result.data);
}

/**
 * Checks a request that has been read from JSON already.
 * @param schema what may be asked for; default: one picture
 */
export function validateRequest(
  value: unknown,
  schema: typeof promptRequestSchema | typeof generateRequestSchema = promptRequestSchema,
): ParsedRequest {
  const result = schema.safeParse(value);
  return result.success ? checkCount(result.data) : refused(value, result.error);
}

function checkCount({
  firstSentMs,
  owner,
  count,
  ...request
}: z.output<typeof messageSchema>): ParsedRequest {
  if (count === undefined || count === 1 || isCountable(request.requestId)) {
    return { ok: true, request, count, firstSentMs, owner };
  }
  const message = `must have at most ${LONGEST_COUNTED_ID} characters where count is more than 1`;
  return { ok: false, problems: [{ field: "requestId", message }], requestId: request.requestId };
}

/** Whether there is room for a number behind an id. */
export function isCountable(id = ""): boolean {
  return id.length <= LONGEST_COUNTED_ID;
}

/** The requests, one for each picture. */
export function partsOf(
  request: IdentifiedRequest,
  count = 1,
): readonly [IdentifiedRequest, ...IdentifiedRequest[]] {
  if (count === 1) return [request];
  const part = (index: number): IdentifiedRequest => ({
    ...request,
    requestId: `${request.requestId}-${index + 1}`,
    // Zero leaves the seed to the model.
    ...(request.seed && { seed: ((request.seed - 1 + index) % MAX_SEED) + 1 }),
  });
  return [part(0), ...Array.from({ length: count - 1 }, (_, index) => part(index + 1))];
}

function refused(value: unknown, error: z.core.$ZodError): ParsedRequest {
  const [first, ...rest] = error.issues.flatMap(toProblems);
  return {
    ok: false,
    problems: [first ?? { field: "body", message: "is not a request" }, ...rest],
    requestId: z.object({ requestId: requestIdSchema }).safeParse(value).data?.requestId,
  };
}

function toProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(promptRequestSchema.shape).join(", ");
    const named = issue.keys.slice(0, MOST_UNKNOWN_FIELDS).map((key) => ({
      field: key === "" ? '""' : key.slice(0, LONGEST_FIELD_NAME),
      message: `is not a field of a request (known: ${known})`,
    }));
    const more = issue.keys.length - named.length;
    return more === 0 ? named : [...named, { field: "body", message: `has ${more} more unknown fields` }];
  }
  const field = issue.path.length === 0 ? "body" : issue.path.join(".");
  if (field === "body") return [{ field, message: "must be a JSON object" }];
  return [{ field, message: issue.message }];
}

/** The names of fields that a log may hold: those of the schema. Other names are the sender's words. */
export function loggableFields(problems: readonly FieldProblem[]): string[] {
  const known = ["body", ...Object.keys(promptRequestSchema.shape)];
  return [...new Set(problems.map(({ field }) => (known.includes(field) ? field : "unknown")))];
}

/** One line that names every field and what is wrong with it. */
export function describeProblems(problems: readonly FieldProblem[]): string {
  return problems.map(({ field, message }) => `${field}: ${message}`).join("; ");
}
