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
  type StoredImage,
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
    downloadUrl: z
      .url()
      .check(z.describe("The same, but a browser saves the picture as a file, which is named after the id.")),
    imageUrlExpiresAt: z.iso
      .datetime()
      .check(z.describe("When both links expire. `GET /requests/{id}` returns new ones.")),
  }),
  rejectedSchema,
  failedSchema,
  cancelledSchema,
  expiredSchema,
]);
export const requestStatuses = requestViewSchema.def.options.flatMap((view) => view.shape.status.def.values);
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
      const signingDate = new Date();
      const sign = (disposition?: string) => signLink(s3, record.image, signingDate, disposition);
      const filename = `${record.requestId}.${record.outputFormat}`;
      const [imageUrl, downloadUrl] = await Promise.all([sign(), sign(`attachment; filename="${filename}"`)]);
      const expiresAt = new Date(signingDate.getTime() + LINK_SECONDS * 1000);
      return { ...record, imageUrl, downloadUrl, imageUrlExpiresAt: expiresAt.toISOString() };
    }
    default:
      return record;
  }
}

/** @param disposition what S3 sends as `Content-Disposition` */
function signLink(
  s3: S3Client,
  { bucket, key }: StoredImage,
  signingDate: Date,
  disposition: string | undefined,
): Promise<string> {
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(disposition !== undefined && { ResponseContentDisposition: disposition }),
  });
  return getSignedUrl(s3, command, { expiresIn: LINK_SECONDS, signingDate });
}
