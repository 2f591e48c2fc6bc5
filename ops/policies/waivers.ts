/** A rule that does not have to hold for some resources, and why. */
export interface Waiver {
  /** The id of the rule, as in `ops/policies`. */
  readonly rule: string;
  /**
   * The type of the resources in Terraform, `github_workflow` or `dockerfile`; with a name after a dot, only those whose
   * name has it as a part.
   */
  readonly resource: string;
  readonly reason: string;
  /** The day by which somebody has to decide again (`YYYY-MM-DD`). The waiver counts after it too: what was agreed must not stop a hotfix. */
  readonly reviewBy: string;
}

/** How long before its day a waiver is named in every plan and nightly check, in days. */
const NOTICE_DAYS = 60;

/** A line for each waiver whose day is near or over. */
export function waiverWarnings(used: readonly Waiver[], today: Date): string[] {
  const soon = today.getTime() + NOTICE_DAYS * 86_400_000;
  return used
    .filter(({ reviewBy }) => Date.parse(reviewBy) < soon)
    .map(({ rule, resource, reviewBy }) => {
      const when = Date.parse(reviewBy) < today.getTime() ? "was due" : "is due";
      return `The waiver of ${rule} for ${resource} ${when} for review on ${reviewBy}. Fix what it excuses, or give it a new day in ops/policies/waivers.ts.`;
    });
}

export const waivers: readonly Waiver[] = [
  {
    rule: "CKV_AWS_115",
    resource: "aws_lambda_function",
    reason:
      "The API has a reservation where the account is large enough; the event source bounds the consumer, and the breaker runs once at a time.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_116",
    resource: "aws_lambda_function",
    reason:
      "SQS moves what cannot be handled: the dead-letter queue belongs to the queue, not to the function.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_117",
    resource: "aws_lambda_function",
    reason: "It talks to AWS services only. A VPC would need an endpoint for each, and protect nothing more.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_173",
    resource: "aws_lambda_function",
    reason: "The variables are names and limits, no secrets. AWS encrypts them with its own key anyway.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_272",
    resource: "aws_lambda_function",
    reason: "Only the apply role may change code, and it applies what was built from the merged commit.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_18",
    resource: "aws_s3_bucket",
    reason:
      "Requests carry ids, and the records are the audit trail; access logs would need a bucket of their own.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_143",
    resource: "aws_s3_bucket",
    reason:
      "What is overwritten is kept for a while; a lock would also keep what somebody wants to be deleted.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_144",
    resource: "aws_s3_bucket",
    reason:
      "A picture can be painted again from the seed on record. A copy in another region would double the cost.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_145",
    resource: "aws_s3_bucket",
    reason: "SSE-S3: whoever may read the objects may use the key as well, and KMS would bill each request.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV2_AWS_62",
    resource: "aws_s3_bucket",
    reason: "Nobody waits for events of the bucket: whoever wants to know asks for the record.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_158",
    resource: "aws_cloudwatch_log_group",
    reason: "The logs have ids, never prompts. CloudWatch encrypts them with its own key.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_AWS_338",
    resource: "aws_cloudwatch_log_group",
    reason: "How long logs are kept is a setting: data protection asks for short, an audit for long.",
    reviewBy: "2027-11-30",
  },
  ...["aws_iam_role_policy._permissions_", "aws_iam_policy.boundary"].map((resource) => ({
    rule: "CKV_AWS_355",
    resource,
    reason: "X-Ray has no resources to name, and nothing but X-Ray is allowed to functions on everything.",
    reviewBy: "2027-11-30",
  })),
  ...["CKV_AWS_355", "POLICY_ONLY_TRACES"].map((rule) => ({
    rule,
    resource: "aws_iam_policy.plan-permissions",
    reason: "Alarms, event sources and groups of logs have no resources to name where they are listed.",
    reviewBy: "2027-11-30",
  })),
  ...["CKV_AWS_355", "POLICY_ONLY_TRACES", "CKV_AWS_289", "CKV_AWS_290"].map((rule) => ({
    rule,
    resource: "aws_iam_policy.apply-permissions",
    reason:
      "AWS names no resources for the delivery of access logs, and gives ids to keys and event sources.",
    reviewBy: "2027-11-30",
  })),
  {
    rule: "CKV_GHA_7",
    resource: "github_workflow.deploy",
    reason:
      "Its inputs choose an environment from a list and allow a destruction; GitHub's rules for the environment say who may.",
    reviewBy: "2027-11-30",
  },
  {
    rule: "CKV_DOCKER_2",
    resource: "dockerfile",
    reason: "The client is a command that ends, not a service whose health could be asked for.",
    reviewBy: "2027-11-30",
  },
];
