import { randomInt } from "node:crypto";
import * as z from "zod/mini";
import { MAX_SEED, promptRequestSchema, requestIdSchema } from "./request.ts";

const instant = z.iso.datetime();

const leaseSchema = z.object({ owner: z.string(), expiresAt: instant });

const reasonSchema = z
  .object({ code: z.string(), message: z.string() })
  .check(z.describe("Why the last try brought no picture: `code` is for programs, `message` for people."));
export type Reason = z.output<typeof reasonSchema>;

const imageSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  contentType: z.string(),
  bytes: z.int().check(z.positive()),
  sha256: z.string().check(z.describe("Hexadecimal.")),
});
export type StoredImage = z.output<typeof imageSchema>;

/** The request as it was asked for, with the defaults filled in and the seed drawn. */
const askedSchema = z.required(promptRequestSchema, { requestId: true, seed: true });
export type AskedRequest = z.output<typeof askedSchema>;

const askedFields = z.object(askedSchema.shape);

/** The request alone, of a record or of what is to become one. */
export function askedOf(from: AskedRequest): AskedRequest {
  return askedFields.parse(from);
}

/** The seed of a request that names none. Never 0, which would leave the choice to the model. */
export function drawSeed(): number {
  return randomInt(1, MAX_SEED + 1);
}

const timingsSchema = z.object({
  queuedAt: instant.check(z.describe("When the prompt was last sent to the queue.")),
  startedAt: z.optional(instant).check(z.describe("When the last try began.")),
  finishedAt: z.optional(instant).check(z.describe("When the request reached its status.")),
  modelMs: z
    .optional(z.number().check(z.nonnegative()))
    .check(z.describe("How long the model took, in milliseconds.")),
});

const history = {
  attempts: z
    .int()
    .check(
      z.nonnegative(),
      z.describe("How often it was tried. A throttled or interrupted try does not count."),
    ),
  codeVersion: z.string().check(z.describe("The hash of the code that wrote this.")),
};

export const queuedSchema = z.object({
  ...askedSchema.shape,
  ...history,
  status: z.literal("queued"),
  timings: timingsSchema,
  sentAt: z
    .optional(instant)
    .check(z.describe("When the queue accepted the prompt. Not there if that could not be recorded.")),
});

export const generatingSchema = z.object({
  ...askedSchema.shape,
  ...history,
  status: z.literal("generating"),
  timings: z.required(timingsSchema, { startedAt: true }),
  lease: z
    .nullable(leaseSchema)
    .check(
      z.describe("Who is painting, and until when nobody else may. `null` while it waits for its next try."),
    ),
  reason: z.optional(reasonSchema),
});

export const succeededSchema = z.object({
  ...askedSchema.shape,
  ...history,
  status: z.literal("succeeded"),
  model: z.string(),
  region: z.string(),
  image: imageSchema,
  timings: z.required(timingsSchema),
  costUsd: z.number().check(z.nonnegative(), z.describe("The list price of the picture, in US dollars.")),
});

export const rejectedSchema = z.object({
  ...history,
  requestId: requestIdSchema,
  status: z.literal("rejected"),
  reason: reasonSchema,
  body: z.string().check(z.describe("The body of the message, unchanged.")),
  timings: z.required(timingsSchema, { finishedAt: true }),
});

export const failedSchema = z.object({
  ...askedSchema.shape,
  ...history,
  status: z.literal("failed"),
  reason: reasonSchema,
  timings: z.required(timingsSchema, { finishedAt: true }),
});

/** What the bucket knows of a request: the ledger, the status page and the audit trail in one object. */
export const recordSchema = z.discriminatedUnion("status", [
  queuedSchema,
  generatingSchema,
  succeededSchema,
  rejectedSchema,
  failedSchema,
]);

export type RequestRecord = z.output<typeof recordSchema>;
export type QueuedRecord = z.output<typeof queuedSchema>;
export type GeneratingRecord = z.output<typeof generatingSchema>;
export type SucceededRecord = z.output<typeof succeededSchema>;
export type RejectedRecord = z.output<typeof rejectedSchema>;
export type FailedRecord = z.output<typeof failedSchema>;

/** The key of a request's record, below the bucket's key prefix. */
export function recordKey(keyPrefix: string, requestId: string): string {
  return `${keyPrefix}requests/${requestId}.json`;
}

/** The key of a request's picture, below the bucket's key prefix. */
export function imageKey(keyPrefix: string, asked: Pick<AskedRequest, "requestId" | "outputFormat">): string {
  return `${keyPrefix}images/${asked.requestId}.${asked.outputFormat}`;
}
