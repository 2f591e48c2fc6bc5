import { DataAwsS3Bucket } from "@cdktf/provider-aws/lib/data-aws-s3-bucket/index.js";
import type { Construct } from "constructs";
import type { PolicyStatement } from "./policy.ts";
import { PrivateBucket } from "./private-bucket.ts";

/** Where pictures and records are kept. */
export interface ImageBucket {
  readonly name: string;
  readonly arn: string;
  /** Put before every key; empty or ending in `/`. */
  readonly keyPrefix: string;
  /** The customer managed key that the bucket encrypts with, if it has one. */
  readonly kmsKeyArn?: string | undefined;
}

/** A bucket of this stack. */
export function newImageBucket(scope: Construct, id: string, name: string, production: boolean): ImageBucket {
  const { bucket } = new PrivateBucket(scope, id, {
    name,
    forceDestroy: !production,
    preventDestroy: false,
  });
  return { name: bucket.bucket, arn: bucket.arn, keyPrefix: "" };
}

/** A bucket that is there already, and that this stack leaves as it is. A plan fails where it is not there. */
export function existingImageBucket(
  scope: Construct,
  id: string,
  name: string,
  { keyPrefix, kmsKeyArn }: Pick<ImageBucket, "keyPrefix" | "kmsKeyArn">,
): ImageBucket {
  const bucket = new DataAwsS3Bucket(scope, id, { bucket: name });
  return { name: bucket.bucket, arn: bucket.arn, keyPrefix, kmsKeyArn };
}

/** Where pictures and records are, for a policy. */
type ImageObjects = Pick<ImageBucket, "arn" | "keyPrefix" | "kmsKeyArn">;

/** Lets a function store pictures, and read them back. */
export function allowImages({ arn, keyPrefix }: ImageObjects): PolicyStatement {
  return {
    Sid: "StoreImages",
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:PutObject"],
    Resource: `${arn}/${keyPrefix}images/*`,
  };
}

/** Lets a function sign links to pictures: a link can open only what its signer may read. */
export function allowImageLinks({ arn, keyPrefix }: ImageObjects): PolicyStatement {
  return {
    Sid: "LinkImages",
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: `${arn}/${keyPrefix}images/*`,
  };
}

/**
 * Lets somebody use the bucket's key, through S3 only. Default: to read and to write.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */
export function allowKey(
  kmsKeyArn: string | undefined,
  actions: readonly string[] = ["kms:Decrypt", "kms:GenerateDataKey"],
): PolicyStatement[] {
  if (kmsKeyArn === undefined) return [];
  const [, , , region] = kmsKeyArn.split(":");
  return [
    {
      Sid: "Encrypt",
      Effect: "Allow",
      Action: actions,
      Resource: kmsKeyArn,
      Condition: { StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
    },
  ];
}

/** Lets a function keep the ledger, with the bucket's key. */
export function allowRecords({ arn, keyPrefix, kmsKeyArn }: ImageObjects): PolicyStatement[] {
  return [
    ...allowKey(kmsKeyArn),
    {
      Sid: "KeepRecords",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject"],
      Resource: `${arn}/${keyPrefix}requests/*`,
    },
    // Without it S3 answers 403 instead of 404 where there is no such object.
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    { Sid: "ListBucket", Effect: "Allow", Action: "s3:ListBucket", Resource: arn },
  ];
}
