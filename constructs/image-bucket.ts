import { DataAwsS3Bucket } from "@cdktf/provider-aws/lib/data-aws-s3-bucket/index.js";
import type { Construct } from "constructs";
import type { Settings } from "../config/settings.ts";
import type { PolicyStatement } from "./policy.ts";
import { PrivateBucket } from "./private-bucket.ts";

/** The bucket for pictures and records. */
export interface ImageBucket {
  readonly name: string;
  readonly arn: string;
  /** The prefix of every key: empty, or ending in `/`. */
  readonly keyPrefix: string;
  /** The customer managed key that the bucket encrypts with, if it has one. */
  readonly kmsKeyArn?: string | undefined;
}

/** Creates a bucket in this stack. */
export function createImageBucket(
  scope: Construct,
  id: string,
  {
    imageBucket: { name },
    production,
    retention,
  }: Pick<Settings, "imageBucket" | "production" | "retention">,
): ImageBucket {
  const { picturesDays, recordsDays } = retention;
  const { bucket } = new PrivateBucket(scope, id, {
    name,
    forceDestroy: !production,
    preventDestroy: false,
    expirations: [
      { prefix: "images/", days: picturesDays },
      { prefix: "requests/", days: recordsDays },
      { prefix: "index/", days: recordsDays },
    ].flatMap(({ prefix, days }) => (days === undefined ? [] : { prefix, days })),
  });
  return { name: bucket.bucket, arn: bucket.arn, keyPrefix: "" };
}

/** Reads an existing bucket, which this stack does not change. A plan fails if it does not exist. */
export function readImageBucket(
  scope: Construct,
  id: string,
  name: string,
  { keyPrefix, kmsKeyArn }: Pick<ImageBucket, "keyPrefix" | "kmsKeyArn">,
): ImageBucket {
  const bucket = new DataAwsS3Bucket(scope, id, { bucket: name });
  return { name: bucket.bucket, arn: bucket.arn, keyPrefix, kmsKeyArn };
}

/**
 * Lets a function erase requests: delete every version of their records, pictures and entries in the index. Of an API that needs both
 * permissions AWS says that `s3:DeleteObject` is always needed.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
 */
export function allowErasing({ arn, keyPrefix }: ImageObjects): PolicyStatement[] {
  return [
    {
      Sid: "Erase",
      Effect: "Allow",
      Action: ["s3:DeleteObject", "s3:DeleteObjectVersion"],
      Resource: ["requests", "images", "index"].map((folder) => `${arn}/${keyPrefix}${folder}/*`),
    },
    { Sid: "ListVersions", Effect: "Allow", Action: "s3:ListBucketVersions", Resource: arn },
  ];
}

type ImageObjects = Pick<ImageBucket, "arn" | "keyPrefix" | "kmsKeyArn">;

/** Lets a function store and read pictures. */
export function allowImages({ arn, keyPrefix }: ImageObjects): PolicyStatement {
  return {
    Sid: "StoreImages",
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:PutObject"],
    Resource: `${arn}/${keyPrefix}images/*`,
  };
}

/** Lets a function sign links to pictures: a link has the permissions of its signer. */
export function allowImageLinks({ arn, keyPrefix }: ImageObjects): PolicyStatement {
  return {
    Sid: "LinkImages",
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: `${arn}/${keyPrefix}images/*`,
  };
}

/**
 * Lets a principal use the bucket's key, through S3 only. Default: to read and to write.
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

/** Lets a function read and write records and their index, with the bucket's key. */
export function allowRecords({ arn, keyPrefix, kmsKeyArn }: ImageObjects): PolicyStatement[] {
  return [
    ...allowKey(kmsKeyArn),
    {
      Sid: "KeepRecords",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject"],
      Resource: `${arn}/${keyPrefix}requests/*`,
    },
    {
      Sid: "KeepIndex",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: `${arn}/${keyPrefix}index/*`,
    },
    // Without it S3 answers 403 instead of 404 for a missing object.
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    { Sid: "ListBucket", Effect: "Allow", Action: "s3:ListBucket", Resource: arn },
  ];
}
