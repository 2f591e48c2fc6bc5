import { companions, has, is, mentions, type PolicyRule, type Predicate } from "./rule.ts";
import { closedToEverybody, demandsTls, locksNobodyOut } from "./statements.ts";

const hasNoAcl: Predicate = (bucket, stack, name) =>
  bucket.acl === undefined && !has("aws_s3_bucket_acl", "aws_s3_bucket")(bucket, stack, name);

export const bucketRules: readonly PolicyRule[] = [
  {
    id: "CKV_AWS_18",
    type: "aws_s3_bucket",
    demand: "has access logs",
    holds: has("aws_s3_bucket_logging", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_19",
    type: "aws_s3_bucket",
    demand: "is encrypted",
    holds: has("aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_20",
    type: "aws_s3_bucket",
    demand: "has no ACL by which everybody may read",
    holds: hasNoAcl,
  },
  {
    id: "CKV_AWS_57",
    type: "aws_s3_bucket",
    demand: "has no ACL by which everybody may write",
    holds: hasNoAcl,
  },
  {
    id: "CKV_AWS_21",
    type: "aws_s3_bucket",
    demand: "keeps versions",
    holds: has("aws_s3_bucket_versioning", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_143",
    type: "aws_s3_bucket",
    demand: "locks its objects against deletion",
    holds: is("object_lock_enabled", true),
  },
  {
    id: "CKV_AWS_144",
    type: "aws_s3_bucket",
    demand: "is replicated to another region",
    holds: has("aws_s3_bucket_replication_configuration", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_145",
    type: "aws_s3_bucket",
    demand: "is encrypted with KMS",
    holds: (_, stack, name) =>
      JSON.stringify(
        companions(stack, "aws_s3_bucket_server_side_encryption_configuration", `aws_s3_bucket.${name}`),
      ).includes('"sse_algorithm":"aws:kms"'),
  },
  {
    id: "CKV2_AWS_6",
    type: "aws_s3_bucket",
    demand: "is closed to the public",
    holds: has("aws_s3_bucket_public_access_block", "aws_s3_bucket"),
  },
  {
    id: "CKV2_AWS_61",
    type: "aws_s3_bucket",
    demand: "has a lifecycle",
    holds: has("aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket"),
  },
  {
    id: "CKV2_AWS_62",
    type: "aws_s3_bucket",
    demand: "tells of its events",
    holds: has("aws_s3_bucket_notification", "aws_s3_bucket"),
  },
  {
    id: "BUCKET_POLICY",
    type: "aws_s3_bucket",
    demand: "has a policy",
    holds: has("aws_s3_bucket_policy", "aws_s3_bucket"),
  },
  {
    id: "CKV_AWS_93",
    type: "aws_s3_bucket_policy",
    demand: "leaves somebody in",
    holds: locksNobodyOut,
  },
  {
    id: "CKV_AWS_70",
    type: "aws_s3_bucket_policy",
    demand: "allows nothing to everybody",
    holds: closedToEverybody(),
  },
  {
    id: "BUCKET_TLS",
    type: "aws_s3_bucket_policy",
    demand: "refuses whoever comes without TLS",
    // The bucket, and what is in it.
    holds: demandsTls("s3:*", [/[^*]$/, /\/\*$/]),
  },
  {
    id: "CKV_AWS_53",
    type: "aws_s3_bucket_public_access_block",
    demand: "blocks public ACLs",
    holds: is("block_public_acls", true),
  },
  {
    id: "CKV_AWS_54",
    type: "aws_s3_bucket_public_access_block",
    demand: "blocks public policies",
    holds: is("block_public_policy", true),
  },
  {
    id: "CKV_AWS_55",
    type: "aws_s3_bucket_public_access_block",
    demand: "ignores public ACLs",
    holds: is("ignore_public_acls", true),
  },
  {
    id: "CKV_AWS_56",
    type: "aws_s3_bucket_public_access_block",
    demand: "restricts public buckets",
    holds: is("restrict_public_buckets", true),
  },
  {
    id: "CKV_AWS_300",
    type: "aws_s3_bucket_lifecycle_configuration",
    demand: "ends broken uploads",
    holds: mentions("rule", "abort_incomplete_multipart_upload"),
  },
  {
    id: "CKV2_AWS_65",
    type: "aws_s3_bucket_ownership_controls",
    demand: "has no ACLs at all",
    holds: mentions("rule", "BucketOwnerEnforced"),
  },
];
