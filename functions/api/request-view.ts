import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import * as z from "zod/mini";
import {
  cancelledSchema,
  expiredSchema,
  failedSchema,
  generatingSchema,
  queuedSchema,
  rejectedSchema,
  type SucceededRecord,
  succeededSchema,
  type VisibleRecord,
} from "../domain/record.ts";
import { DAY_MS } from "../domain/timing.ts";
import type { Expectation } from "./backlog.ts";

/** What of a record is no caller's business. */
const internal = { owner: true, codeVersion: true } as const;

/** What a caller gets to see of a request: its record, and what follows from it at this moment. */
export const requestViewSchema = z.discriminatedUnion("status", [
  z.extend(z.omit(queuedSchema, internal), {
    queuePosition: z
      .optional(z.int().check(z.positive()))
      .check(
        z.describe(
          "The place in the queue: 1 is next. An estimate, and the highest that it can be: the queue tells only how many prompts wait. Not there if the queue does not answer.",
        ),
      ),
    estimatedWaitSeconds: z
      .int()
      .check(
        z.positive(),
        z.describe(
          "How long it will take, in seconds. An estimate from the length of the queue and the time that the latest pictures took.",
        ),
      ),
  }),
  z.omit(generatingSchema, { ...internal, lease: true }),
  z.extend(z.omit(succeededSchema, internal), {
    image: z.omit(succeededSchema.shape.image, { bucket: true, key: true }),
    imageUrl: z
      .optional(z.url())
      .check(
        z.describe(
          "A link to the picture. Anybody who has it can open it until `imageUrlExpiresAt`. Not there once the picture's days are over.",
        ),
      ),
    downloadUrl: z
      .optional(z.url())
      .check(z.describe("The same, but a browser saves the picture as a file, which is named after the id.")),
    imageUrlExpiresAt: z
      .optional(z.iso.datetime())
      .check(z.describe("When both links expire. `GET /requests/{id}/image` always leads to a new one.")),
  }),
  z.omit(rejectedSchema, internal),
  z.omit(failedSchema, internal),
  z.omit(cancelledSchema, internal),
  z.omit(expiredSchema, internal),
]);
export const requestStatuses = requestViewSchema.def.options.flatMap((view) => view.shape.status.def.values);
export type RequestView = z.output<typeof requestViewSchema>;

/**
 * How long a link to a picture holds, in seconds. A link dies with the credentials that signed it, and a function
 * cannot know when its own end; they outlive a quarter of an hour.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html#PresignedUrl-Expiration
 */
const LINK_SECONDS = 15 * 60;

/** Who signs links to pictures, and to which. */
export interface LinkOptions {
  readonly s3: S3Client;
  /** How long the bucket keeps a picture, in days. Undefined: until somebody deletes it. */
  readonly picturesDays: number | undefined;
}

/** @param expect asked only where there is something to wait for */
export async function viewOf(
  record: VisibleRecord,
  links: LinkOptions,
  expect: () => Promise<Expectation>,
): Promise<RequestView> {
  const more =
    record.status === "queued"
      ? await expect()
      : record.status === "succeeded"
        ? await linkTo(record, links)
        : {};
  // The schema takes away what is not for callers.
  return requestViewSchema.parse({ ...record, ...more });
}

/**
 * Links to a picture that are valid from now on: to show it, and to save it as a file. Undefined once the bucket's
 * lifecycle may have deleted the picture.
 */
export async function linkTo({ image, timings }: SucceededRecord, { s3, picturesDays }: LinkOptions) {
  const signingDate = new Date();
  const endsAt = Date.parse(timings.finishedAt) + (picturesDays ?? Number.POSITIVE_INFINITY) * DAY_MS;
  if (endsAt <= signingDate.getTime()) return undefined;
  const { bucket, key } = image;
  const sign = (disposition?: string) => {
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(disposition !== undefined && { ResponseContentDisposition: disposition }),
    });
    return getSignedUrl(s3, command, { expiresIn: LINK_SECONDS, signingDate });
  };
  const file = key.slice(key.lastIndexOf("/") + 1);
  const [imageUrl, downloadUrl] = await Promise.all([sign(), sign(`attachment; filename="${file}"`)]);
  const expiresAt = new Date(signingDate.getTime() + LINK_SECONDS * 1000);
  return { imageUrl, downloadUrl, imageUrlExpiresAt: expiresAt.toISOString() };
}
