import { setTimeout } from "node:timers/promises";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { HttpRequest } from "@smithy/core/protocols";

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

/** A version of an object, or a delete marker in its place. */
export interface ObjectVersion {
  readonly id: string;
  readonly isLatest: boolean;
}

export interface NewObject {
  readonly body: string | Uint8Array;
  readonly contentType: string;
  readonly metadata?: Record<string, string>;
  /** SHA-256 of the body: S3 refuses bytes that changed on the way. */
  readonly sha256?: Buffer;
}

/** What the ledger and the pictures need of a bucket. */
export type ConditionalStore = Pick<ObjectStore, keyof ObjectStore>;

/** How many versions are listed, and can then be deleted, at once. */
const VERSIONS_A_PAGE = 50;

/** How often a write is made that S3 answers with 409, and the longest wait before the second, in milliseconds. */
const MOST_WRITES = 6;
const LONGEST_WAIT_MS = 50;

/** Conditional reads and writes on one bucket. S3's own errors pass through, but for those that are answers. */
export class ObjectStore {
  readonly #s3: S3Client;
  readonly bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    signWithChecksum(s3);
    this.bucket = bucket;
  }

  /**
   * Writes an object. 409 says that another write of the key was under way, and nothing of who has won: the same write is
   * made again, and its condition tells. `written: false` may be the answer to a write of our own that took effect and
   * whose first answer was lost: the caller has to read what is there.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
   */
  async put(key: string, object: NewObject, condition: WriteCondition): Promise<WriteResult> {
    const command = new PutObjectCommand({
      Bucket: this.bucket,
      Key: key,
      Body: object.body,
      // By itself the SDK sends no length for an empty body, and warns of a stream of unknown length.
      ...(object.body.length === 0 && { ContentLength: 0 }),
      ContentType: object.contentType,
      ...(object.metadata && { Metadata: object.metadata }),
      ...(object.sha256 && { ChecksumSHA256: object.sha256.toString("base64") }),
      ...("ifMatch" in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: condition.ifNoneMatch }),
    });
    for (let writes = 1; ; writes++) {
      try {
        const { ETag } = await this.#s3.send(command);
        if (ETag === undefined) throw new Error(`S3 answered the write of ${key} without an ETag`);
        return { written: true, etag: ETag };
      } catch (error) {
        if (hasName(error, CONDITION_FAILURES)) return { written: false };
        if (!hasName(error, ["ConditionalRequestConflict"]) || writes === MOST_WRITES) throw error;
      }
      await setTimeout(Math.random() * LONGEST_WAIT_MS * 2 ** (writes - 1));
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

  /** All versions of an object, delete markers included, a page at a time. */
  async *listVersions(key: string): AsyncGenerator<ObjectVersion[]> {
    let after: Pick<ListObjectVersionsCommandInput, "KeyMarker" | "VersionIdMarker"> | undefined = {};
    while (after !== undefined) {
      const page: ListObjectVersionsCommandOutput = await this.#s3.send(
        new ListObjectVersionsCommand({
          Bucket: this.bucket,
          Prefix: key,
          MaxKeys: VERSIONS_A_PAGE,
          ...after,
        }),
      );
      const { Versions = [], DeleteMarkers = [], NextKeyMarker, NextVersionIdMarker } = page;
      yield [...Versions, ...DeleteMarkers].flatMap(({ Key, VersionId, IsLatest = false }) =>
        Key === key && VersionId !== undefined ? [{ id: VersionId, isLatest: IsLatest }] : [],
      );
      after = page.IsTruncated
        ? { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker }
        : undefined;
    }
  }

  /** Deletes a version for good. It is no error if it is gone already. */
  async deleteVersion(key: string, versionId: string): Promise<void> {
    await this.#s3.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key, VersionId: versionId }));
  }
}

/**
 * Gives the signature the SHA-256 of a body whose checksum is known already; by itself the SDK hashes the body once more.
 * On the client rather than on a command: the middleware of a client can be cached.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function signWithChecksum(s3: S3Client): void {
  s3.middlewareStack.add(
    (next) => (args) => {
      if (HttpRequest.isInstance(args.request)) {
        const { headers } = args.request;
        const checksum = headers["x-amz-checksum-sha256"];
        if (checksum !== undefined)
          headers["x-amz-content-sha256"] = Buffer.from(checksum, "base64").toString("hex");
      }
      return next(args);
    },
    { step: "build" },
  );
}

/** 412: the condition does not hold. 404: `If-Match` on an object that is gone. */
const CONDITION_FAILURES = ["PreconditionFailed", "NoSuchKey"];

function hasName(error: unknown, names: readonly string[]): boolean {
  return error instanceof S3ServiceException && names.includes(error.name);
}
