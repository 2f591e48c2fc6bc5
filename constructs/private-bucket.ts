import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket/index.js";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls/index.js";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy/index.js";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning/index.js";
import { Construct } from "constructs";
import { denyWithoutTls, policyJson } from "./policy.ts";

export interface PrivateBucketProps {
  /** Unique in all of AWS. */
  readonly name: string;
  /** Whether destroying the bucket deletes its objects. Otherwise S3 refuses while it has any. */
  readonly forceDestroy: boolean;
  /** Whether Terraform refuses every plan that destroys the bucket. */
  readonly preventDestroy: boolean;
  /** When objects are deleted. Default: never. */
  readonly expirations?: readonly Expiration[];
}

/** When the objects below a prefix are deleted. */
export interface Expiration {
  readonly prefix: string;
  /** After they were last written. */
  readonly days: number;
}

/** A private bucket: no public access, TLS only, versioned, encrypted, with a lifecycle. */
export class PrivateBucket extends Construct {
  readonly bucket: S3Bucket;

  constructor(scope: Construct, id: string, props: PrivateBucketProps) {
    super(scope, id);
    const { name, forceDestroy, preventDestroy, expirations = [] } = props;
    this.bucket = new S3Bucket(this, "bucket", { bucket: name, forceDestroy, lifecycle: { preventDestroy } });
    this.#blockPublicAccess();
    this.#encrypt();
    this.#keepVersions(expirations);
  }

  #blockPublicAccess(): void {
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
      // S3 refuses two changes to a bucket's access at the same time ("conflicting conditional operation").
      dependsOn: [block],
    });
  }

  #encrypt(): void {
    new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket: this.bucket.bucket,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    });
  }

  #keepVersions(expirations: readonly Expiration[]): void {
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
        // What expires becomes a version that is not current. It goes a day later: the shorter of two rules counts.
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html
        ...expirations.map(({ prefix, days }) => ({
          id: `expire-${prefix.replace(/\/$/, "")}`,
          status: "Enabled",
          filter: [{ prefix }],
          expiration: [{ days }],
          noncurrentVersionExpiration: [{ noncurrentDays: 1 }],
        })),
        ...(expirations.length > 0 ? [DELETE_MARKERS] : []),
      ],
      dependsOn: [versioning],
    });
  }
}

/** Deletes the markers that expired objects leave. A rule with days cannot do both. */
const DELETE_MARKERS = {
  id: "delete-markers",
  status: "Enabled",
  filter: [{ prefix: "" }],
  expiration: [{ expiredObjectDeleteMarker: true }],
};
