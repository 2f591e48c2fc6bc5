import { randomInt } from "node:crypto";
import * as z from "zod/mini";
import { ownerSchema } from "./owner.ts";
import { promptRequestSchema, requestIdSchema } from "./request.ts";
import { MAX_SEED } from "./request-limits.ts";

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

/** The request as it was asked for, with the defaults filled in, the seed drawn and the deadline as a time. */
const askedSchema = z.required(
  z.extend(z.omit(promptRequestSchema, { expiresInSeconds: true }), {
    expiresAt: z
      .optional(instant)
      .check(z.describe("After this time no model is called. Not there where the request has no deadline.")),
  }),
  { requestId: true, seed: true },
);
export type AskedRequest = z.output<typeof askedSchema>;

const askedFields = z.object(askedSchema.shape);

/** The request alone, of a record or of what is to become one. */
export function askedOf(from: AskedRequest): AskedRequest {
  return askedFields.parse(from);
}

/** The request of a record; undefined where the record does not say. */
export function askedIn(record: object): AskedRequest | undefined {
  return askedFields.safeParse(record).data;
}

/** The seed of a request that names none. Never 0, which would leave the choice to the model. */
export function drawSeed(): number {
  return randomInt(1, MAX_SEED + 1);
}

/** What a request begins with, and never changes. Records from before it was written lack it. */
const originSchema = z.object({
  owner: z.optional(ownerSchema).check(z.describe("A hash of the caller or sender. Not there: nobody's.")),
  createdAt: z
    .optional(instant)
    .check(z.describe("When the API took the request in, or when its message was first sent.")),
});
export type Origin = z.output<typeof originSchema>;

/** The origin alone, of a record or of what is to become one. */
export function originOf(from: Origin): Origin {
  return originSchema.parse(from);
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
  ...originSchema.shape,
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

/** Nobody will paint it. Without a prompt where it was cancelled before anybody had begun with its message. */
export const cancelledSchema = z.object({
  ...z.partial(z.object(askedSchema.shape)).shape,
  ...history,
  requestId: requestIdSchema,
  status: z.literal("cancelled"),
  timings: z.required(z.partial(timingsSchema), { finishedAt: true }),
});

/** Its deadline passed before it had its picture. */
export const expiredSchema = z.object({
  ...askedSchema.shape,
  ...history,
  status: z.literal("expired"),
  timings: z.required(timingsSchema, { finishedAt: true }),
  reason: z.optional(reasonSchema),
});

/** What is kept of a request that was erased, so that a late delivery of its message paints nothing. */
const deletedSchema = z.object({
  requestId: requestIdSchema,
  status: z.literal("deleted"),
  ...originSchema.shape,
  deletedAt: instant,
});

/** What the bucket knows of a request: the ledger, the status page and the audit trail in one object. */
export const recordSchema = z.discriminatedUnion("status", [
  queuedSchema,
  generatingSchema,
  succeededSchema,
  rejectedSchema,
  failedSchema,
  cancelledSchema,
  expiredSchema,
  deletedSchema,
]);

export type RequestRecord = z.output<typeof recordSchema>;
export type QueuedRecord = z.output<typeof queuedSchema>;
export type GeneratingRecord = z.output<typeof generatingSchema>;
export type SucceededRecord = z.output<typeof succeededSchema>;
export type RejectedRecord = z.output<typeof rejectedSchema>;
export type FailedRecord = z.output<typeof failedSchema>;
export type CancelledRecord = z.output<typeof cancelledSchema>;
export type ExpiredRecord = z.output<typeof expiredSchema>;
export type DeletedRecord = z.output<typeof deletedSchema>;
/** A record in a status that nothing changes any more; but every record can be deleted. */
export type ClosedRecord = SucceededRecord | RejectedRecord | CancelledRecord | ExpiredRecord | DeletedRecord;

/** A record that tells something of its request. */
export type VisibleRecord = Exclude<RequestRecord, DeletedRecord>;

export function isClosed(record: RequestRecord): record is ClosedRecord {
  return record.status !== "queued" && record.status !== "generating" && record.status !== "failed";
}

/** When a request that was sent at a time expires; undefined where it has no deadline. */
export function expiryOf(
  { expiresInSeconds }: { readonly expiresInSeconds?: number | undefined },
  sentAt: Date,
): string | undefined {
  if (expiresInSeconds === undefined) return undefined;
  return new Date(sentAt.getTime() + expiresInSeconds * 1000).toISOString();
}

export function isExpired({ expiresAt }: Pick<AskedRequest, "expiresAt">): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= Date.now();
}

/** The key of a request's record, below the bucket's key prefix. */
export function recordKey(keyPrefix: string, requestId: string): string {
  return `${keyPrefix}requests/${requestId}.json`;
}

/** The key of a request's picture, below the bucket's key prefix. */
export function imageKey(keyPrefix: string, asked: Pick<AskedRequest, "requestId" | "outputFormat">): string {
  return `${keyPrefix}images/${asked.requestId}.${asked.outputFormat}`;
}
