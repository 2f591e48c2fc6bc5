import { companions, has, is, mentions, type Predicate, rulesFor } from "./rule.ts";
import { closedToEverybody, locksNobodyOut, requiresTls } from "./statements.ts";

const hasNoAcl: Predicate = (bucket, stack, address) =>
  bucket.acl === undefined && !has("aws_s3_bucket_acl")(bucket, stack, address);

export const bucketRules = [
  ...rulesFor("aws_s3_bucket", {
    CKV_AWS_18: ["have access logs", has("aws_s3_bucket_logging")],
    CKV_AWS_19: ["be encrypted", has("aws_s3_bucket_server_side_encryption_configuration")],
    CKV_AWS_20: ["have no ACL that lets everybody read", hasNoAcl],
    CKV_AWS_57: ["have no ACL that lets everybody write", hasNoAcl],
    CKV_AWS_21: ["be versioned", has("aws_s3_bucket_versioning")],
    CKV_AWS_143: ["lock its objects against deletion", is("object_lock_enabled", true)],
    CKV_AWS_144: ["be replicated to another region", has("aws_s3_bucket_replication_configuration")],
    CKV_AWS_145: [
      "be encrypted with KMS",
      (_, stack, address) =>
        JSON.stringify(
          companions(stack, "aws_s3_bucket_server_side_encryption_configuration", address),
        ).includes('"sse_algorithm":"aws:kms"'),
    ],
    CKV2_AWS_6: ["block public access", has("aws_s3_bucket_public_access_block")],
    CKV2_AWS_61: ["have a lifecycle", has("aws_s3_bucket_lifecycle_configuration")],
    CKV2_AWS_62: ["send event notifications", has("aws_s3_bucket_notification")],
    BUCKET_POLICY: ["have a policy", has("aws_s3_bucket_policy")],
  }),
  ...rulesFor("aws_s3_bucket_policy", {
    CKV_AWS_93: ["not deny everything to everybody", locksNobodyOut],
    CKV_AWS_70: ["allow nothing to everybody", closedToEverybody()],
    // The bucket, and what is in it.
    BUCKET_TLS: ["deny requests without TLS", requiresTls("s3:*", [/[^*]$/, /\/\*$/])],
  }),
  ...rulesFor("aws_s3_bucket_public_access_block", {
    CKV_AWS_53: ["block public ACLs", is("block_public_acls", true)],
    CKV_AWS_54: ["block public policies", is("block_public_policy", true)],
    CKV_AWS_55: ["ignore public ACLs", is("ignore_public_acls", true)],
    CKV_AWS_56: ["restrict public buckets", is("restrict_public_buckets", true)],
  }),
  ...rulesFor("aws_s3_bucket_lifecycle_configuration", {
    CKV_AWS_300: ["abort incomplete uploads", mentions("rule", "abort_incomplete_multipart_upload")],
  }),
  ...rulesFor("aws_s3_bucket_ownership_controls", {
    CKV2_AWS_65: ["switch ACLs off", mentions("rule", "BucketOwnerEnforced")],
  }),
];
