import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";

/** On what condition an object may be written: only where there is none, or only over this very version. */
export type WriteCondition = { readonly ifNoneMatch: "*" } | { readonly ifMatch: string };

export type WriteResult = { readonly written: true; readonly etag: string } | { readonly written: false };

export interface StoredText {
  readonly text: string;
  readonly etag: string;
}

export interface ObjectHead {
  readonly bytes: number;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface NewObject {
  readonly body: string | Uint8Array;
  readonly contentType: string;
  readonly metadata?: Record<string, string>;
  /** SHA-256 of the body in base64: S3 refuses bytes that changed on the way. */
  readonly checksumSha256?: string;
}

/** What the ledger and the pictures need of a bucket. */
export type ConditionalStore = Pick<ObjectStore, keyof ObjectStore>;

/** Conditional reads and writes on one bucket. S3's own errors pass through, but for the two that are answers. */
export class ObjectStore {
  readonly #s3: S3Client;
  readonly bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  async put(key: string, object: NewObject, condition: WriteCondition): Promise<WriteResult> {
    try {
      const { ETag } = await this.#s3.send(
        new PutObjectCommand({
          Bucket: this.bucket,
          Key: key,
          Body: object.body,
          ContentType: object.contentType,
          ...(object.metadata && { Metadata: object.metadata }),
          ...(object.checksumSha256 && { ChecksumSHA256: object.checksumSha256 }),
          ...("ifMatch" in condition
            ? { IfMatch: condition.ifMatch }
            : { IfNoneMatch: condition.ifNoneMatch }),
        }),
      );
      if (ETag === undefined) throw new Error(`S3 answered the write of ${key} without an ETag`);
      return { written: true, etag: ETag };
    } catch (error) {
      if (isConditionFailure(error)) return { written: false };
      throw error;
    }
  }

  /** `undefined` where there is no such object. */
  async getText(key: string): Promise<StoredText | undefined> {
    try {
      const { Body, ETag } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      if (Body === undefined || ETag === undefined)
        throw new Error(`S3 answered the read of ${key} without a body`);
      return { text: await Body.transformToString(), etag: ETag };
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  /** `undefined` where there is no such object. */
  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const head = await this.#s3.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      return {
        bytes: head.ContentLength ?? 0,
        contentType: head.ContentType ?? "application/octet-stream",
        metadata: head.Metadata ?? {},
      };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }
}

/**
 * 412: the condition does not hold. 409: another conditional write of the same key is under way. 404: `If-Match`
 * on an object that is gone.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
function isConditionFailure(error: unknown): boolean {
  return (
    error instanceof S3ServiceException &&
    ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"].includes(error.name)
  );
}
