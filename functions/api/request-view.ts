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
  succeededSchema,
  type VisibleRecord,
} from "../domain/record.ts";

/** What a caller gets to see of a request: its record, and what follows from it at this moment. */
export const requestViewSchema = z.discriminatedUnion("status", [
  z.extend(queuedSchema, {
    estimatedWaitSeconds: z
      .int()
      .check(
        z.positive(),
        z.describe("How long it will take, in seconds. An estimate from the length of the queue."),
      ),
  }),
  generatingSchema,
  z.extend(succeededSchema, {
    imageUrl: z
      .url()
      .check(z.describe("A link to the picture. Anybody who has it can open it until `imageUrlExpiresAt`.")),
    imageUrlExpiresAt: z.iso
      .datetime()
      .check(z.describe("When the link expires. `GET /requests/{id}` returns a new one.")),
  }),
  rejectedSchema,
  failedSchema,
  cancelledSchema,
  expiredSchema,
]);
export type RequestView = z.output<typeof requestViewSchema>;

/**
 * How long a link to a picture holds, in seconds. A link dies with the credentials that signed it, and a function
 * cannot know when its own end; they outlive a quarter of an hour.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html#PresignedUrl-Expiration
 */
const LINK_SECONDS = 15 * 60;

/** @param estimate asked for only where there is something to wait for */
export async function viewOf(
  record: VisibleRecord,
  s3: S3Client,
  estimate: () => Promise<number>,
): Promise<RequestView> {
  switch (record.status) {
    case "queued":
      return { ...record, estimatedWaitSeconds: await estimate() };
    case "succeeded": {
      const { bucket, key } = record.image;
      const signingDate = new Date();
      const imageUrl = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: key }), {
        expiresIn: LINK_SECONDS,
        signingDate,
      });
      const expiresAt = new Date(signingDate.getTime() + LINK_SECONDS * 1000);
      return { ...record, imageUrl, imageUrlExpiresAt: expiresAt.toISOString() };
    }
    default:
      return record;
  }
}
