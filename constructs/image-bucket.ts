import { DataAwsS3Bucket } from "@cdktf/provider-aws/lib/data-aws-s3-bucket/index.js";
import type { Construct } from "constructs";
import { PrivateBucket } from "./private-bucket.ts";

/** Where pictures and records are kept. */
export interface ImageBucket {
  readonly name: string;
  readonly arn: string;
  /** Put before every key; empty or ending in `/`. */
  readonly keyPrefix: string;
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
  keyPrefix: string,
): ImageBucket {
  const bucket = new DataAwsS3Bucket(scope, id, { bucket: name });
  return { name: bucket.bucket, arn: bucket.arn, keyPrefix };
}
