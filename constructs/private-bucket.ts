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
  /** Unique among all of AWS. */
  readonly name: string;
  /** Whether destroying the bucket destroys what is in it. Otherwise S3 refuses while anything is. */
  readonly forceDestroy: boolean;
  /** Whether Terraform refuses every plan that destroys the bucket. */
  readonly preventDestroy: boolean;
}

/** What every private bucket of this project is: not public, TLS-only, versioned, encrypted, tidied up. */
export class PrivateBucket extends Construct {
  readonly bucket: S3Bucket;

  constructor(scope: Construct, id: string, { name, forceDestroy, preventDestroy }: PrivateBucketProps) {
    super(scope, id);
    this.bucket = new S3Bucket(this, "bucket", { bucket: name, forceDestroy, lifecycle: { preventDestroy } });
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
