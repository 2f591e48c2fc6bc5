import { DataAwsS3Bucket } from "@cdktf/provider-aws/lib/data-aws-s3-bucket/index.js";
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket/index.js";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls/index.js";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy/index.js";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning/index.js";
import { Construct } from "constructs";
import { denyWithoutTls, policyJson } from "./policy.ts";

/** What every private bucket of this project is: not public, TLS-only, versioned, encrypted, tidied up. */
export class PrivateBucket extends Construct {
  readonly bucket: S3Bucket;

  /** @param name the bucket's name, unique among all of AWS */
  constructor(scope: Construct, id: string, name: string) {
    super(scope, id);
    this.bucket = new S3Bucket(this, "bucket", { bucket: name });
    this.#closeToThePublic();
    this.#encrypt();
    this.#keepVersions();
  }

  #closeToThePublic(): void {
    const { bucket, arn } = this.bucket;
    const block = new S3BucketPublicAccessBlock(this, "public-access-block", {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    new S3BucketOwnershipControls(this, "ownership", {
      bucket,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    new S3BucketPolicy(this, "policy", {
      bucket,
      policy: policyJson([denyWithoutTls("s3:*", [arn, `${arn}/*`])]),
      // S3 refuses two changes of a bucket's access at the same time ("conflicting conditional operation").
      dependsOn: [block],
    });
  }

  #encrypt(): void {
    new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket: this.bucket.bucket,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    });
  }

  #keepVersions(): void {
    const { bucket } = this.bucket;
    const versioning = new S3BucketVersioningA(this, "versioning", {
      bucket,
      versioningConfiguration: { status: "Enabled" },
    });
    new S3BucketLifecycleConfiguration(this, "lifecycle", {
      bucket,
      rule: [
        {
          id: "tidy-up",
          status: "Enabled",
          filter: [{ prefix: "" }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: 1 }],
          noncurrentVersionExpiration: [{ noncurrentDays: 30 }],
        },
      ],
      dependsOn: [versioning],
    });
  }
}

/** Where pictures and records are kept. */
export interface ImageBucket {
  readonly name: string;
  readonly arn: string;
  /** Put before every key; empty or ending in `/`. */
  readonly keyPrefix: string;
}

/** A bucket of this stack. */
export function newImageBucket(scope: Construct, id: string, name: string): ImageBucket {
  const { bucket } = new PrivateBucket(scope, id, name);
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
