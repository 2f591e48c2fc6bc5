import { NOTICE_DAYS } from "../../functions/domain/models.ts";
import { DAY_MS } from "../../functions/domain/timing.ts";

/** An exception from a rule for some resources. */
export interface Waiver {
  /** The id of the rule. */
  readonly rule: string;
  /** The type of the resources; with `.part`, only those whose name contains the part. */
  readonly resource: string;
  readonly reason: string;
  /** When somebody has to decide again (`YYYY-MM-DD`). The waiver stays valid after that: it must not stop a hotfix. */
  readonly reviewBy: string;
}

/** A line, for the report on a plan, for each waiver whose review is near or overdue. */
export function waiverWarnings(used: readonly Waiver[], today: Date): string[] {
  const soon = today.getTime() + NOTICE_DAYS * DAY_MS;
  return used
    .filter(({ reviewBy }) => Date.parse(reviewBy) < soon)
    .map(({ rule, resource, reviewBy }) => {
      const when = Date.parse(reviewBy) < today.getTime() ? "was due" : "is due";
      return `The waiver of ${rule} for ${resource} ${when} for review on ${reviewBy}. Fix the resource, or set a new date in ops/policies/waivers.ts.`;
    });
}

/** Waivers for some resources, by rule, with the reason. */
function waive(resource: string, reviewBy: string, reasons: Readonly<Record<string, string>>): Waiver[] {
  return Object.entries(reasons).map(([rule, reason]) => ({ rule, resource, reason, reviewBy }));
}

const X_RAY_ONLY = "X-Ray has no resources to name, and functions may use nothing else on all resources.";
const LISTS = "Alarms, event sources and log groups have no resources to name where they are listed.";
const IDS =
  "AWS chooses the ids of keys and event sources, and access log delivery has no resources to name.";

export const waivers: readonly Waiver[] = [
  ...waive("aws_lambda_function", "2027-11-30", {
    CKV_AWS_115:
      "The API has a reservation if the account is large enough. The event source limits the consumer, and the breaker runs once at a time.",
    CKV_AWS_116: "The queue has the dead-letter queue, and SQS moves failed messages there.",
    CKV_AWS_117:
      "It calls AWS services only. A VPC would need an endpoint for each and protect nothing more.",
    CKV_AWS_173: "The variables are names and limits, no secrets. AWS encrypts them with its own key.",
    CKV_AWS_272: "Only the apply role may change code, and it applies a build of the merged commit.",
  }),
  ...waive("aws_s3_bucket", "2027-11-30", {
    CKV_AWS_18: "The records in the bucket are the audit trail. Access logs would need another bucket.",
    CKV_AWS_143: "Old versions are kept for a while. A lock would also keep what somebody wants deleted.",
    CKV_AWS_144:
      "A picture can be painted again from the seed in its record. A copy in another region would double the cost.",
    CKV_AWS_145:
      "It uses SSE-S3. A KMS key would add a charge for each request, and the same people could use it.",
    CKV2_AWS_62: "Nothing waits for the bucket's events: callers read the record.",
  }),
  ...waive("aws_cloudwatch_log_group", "2027-11-30", {
    CKV_AWS_158: "The logs have ids, never prompts. CloudWatch encrypts them with its own key.",
    CKV_AWS_338: "The retention is a setting: data protection asks for short, an audit for long.",
  }),
  ...waive("aws_iam_role_policy._permissions_", "2027-11-30", { CKV_AWS_355: X_RAY_ONLY }),
  ...waive("aws_iam_policy.boundary", "2027-11-30", { CKV_AWS_355: X_RAY_ONLY }),
  ...waive("aws_iam_policy.plan-permissions", "2027-11-30", {
    CKV_AWS_355: LISTS,
    POLICY_ONLY_TRACES: LISTS,
  }),
  ...waive("aws_iam_policy.apply-permissions", "2027-11-30", {
    ...{ CKV_AWS_355: IDS, POLICY_ONLY_TRACES: IDS, CKV_AWS_289: IDS, CKV_AWS_290: IDS },
  }),
  ...waive("github_workflow.deploy", "2027-11-30", {
    CKV_GHA_7:
      "Its inputs choose an environment from a list and allow data loss. GitHub's environment rules decide who may run it.",
  }),
  ...waive("dockerfile", "2027-11-30", {
    CKV_DOCKER_2: "The client is a command that ends. Nothing asks for its health.",
  }),
];
