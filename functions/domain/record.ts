import { randomInt } from "node:crypto";
import * as z from "zod/mini";
import { MAX_SEED, promptRequestSchema, requestIdSchema } from "./request.ts";

const instant = z.iso.datetime();

/** Who is painting, and until when nobody else may. */
const leaseSchema = z.object({ owner: z.string(), expiresAt: instant });

/** Why a request is not (yet) a picture. `code` is for programs, `message` for people. */
const reasonSchema = z.object({ code: z.string(), message: z.string() });
export type Reason = z.output<typeof reasonSchema>;

const imageSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  contentType: z.string(),
  bytes: z.int().check(z.positive()),
  /** Hexadecimal. */
  sha256: z.string(),
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
  /** When the prompt was sent, the last time that it was. */
  queuedAt: instant,
  /** When painting began, the last time that it did. */
  startedAt: z.optional(instant),
  finishedAt: z.optional(instant),
  /** How long the model took, in milliseconds. */
  modelMs: z.optional(z.number().check(z.nonnegative())),
});

const history = {
  /** How often painting was really tried; a throttled or interrupted try does not count. */
  attempts: z.int().check(z.nonnegative()),
  codeVersion: z.string(),
};

export const queuedSchema = z.object({
  ...askedSchema.shape,
  ...history,
  status: z.literal("queued"),
  timings: timingsSchema,
  /** When the queue had taken the prompt, if its sender could still record that. */
  sentAt: z.optional(instant),
});

export const generatingSchema = z.object({
  ...askedSchema.shape,
  ...history,
  status: z.literal("generating"),
  timings: z.required(timingsSchema, { startedAt: true }),
  /** `null` once the owner gave the request back. */
  lease: z.nullable(leaseSchema),
  /** Why the last try brought no picture. */
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
  costUsd: z.number().check(z.nonnegative()),
});

export const rejectedSchema = z.object({
  ...history,
  requestId: requestIdSchema,
  status: z.literal("rejected"),
  reason: reasonSchema,
  /** The message's body, as it came. */
  body: z.string(),
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
