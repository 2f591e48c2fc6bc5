import { runSimulation } from "@cloud-copilot/iam-simulate";
import { z } from "zod";
import type { Journaled } from "../../local/chaos/proxy.ts";
import { LOCAL_ACCOUNT_ID } from "../../local/terraform-attributes.ts";

/** What IAM judges a call by. */
export interface Access {
  readonly action: string;
  readonly resource: string;
}

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Statement: z.array(z.object({ Effect: z.literal("Allow"), Action: oneOrMore, Resource: oneOrMore })),
});

/** Each action on each resource that a policy allows. Throws for one that does more than allow. */
export function grantsOf(policy: string): Access[] {
  return policySchema
    .parse(JSON.parse(policy))
    .Statement.flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((resource) => ({ action, resource }))),
    );
}

/** What calls needed, each once. */
export function accessesOf(calls: readonly Journaled[]): Access[] {
  const all = calls.flatMap(({ call: { action, resource }, status }) =>
    action === "s3:GetObject" && status === 404
      ? // Without it S3 answers 403: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        [
          { action, resource },
          { action: "s3:ListBucket", resource: resource.replace(/\/.*/, "") },
        ]
      : [{ action, resource }],
  );
  return [...new Map(all.map((access) => [`${access.action} ${access.resource}`, access])).values()];
}

/** Whether IAM would allow it, as an evaluator that others wrote judges. */
export async function isAllowed(grants: readonly Access[], { action, resource }: Access): Promise<boolean> {
  const Statement = grants.map((grant) => ({
    Effect: "Allow",
    Action: grant.action,
    Resource: grant.resource,
  }));
  const response = await runSimulation(
    {
      identityPolicies: [{ name: "granted", policy: { Version: "2012-10-17", Statement } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      request: {
        action,
        resource: { resource, accountId: LOCAL_ACCOUNT_ID },
        principal: `arn:aws:iam::${LOCAL_ACCOUNT_ID}:role/caller`,
        contextVariables: {},
      },
    },
    {},
  );
  if (response.resultType === "error") throw new Error(JSON.stringify(response));
  return response.overallResult === "Allowed";
}

/** The accesses that no grant covers, as text. */
export async function denied(grants: readonly Access[], accesses: readonly Access[]): Promise<string[]> {
  const verdicts = await Promise.all(accesses.map((access) => isAllowed(grants, access)));
  return accesses
    .filter((_, index) => !verdicts[index])
    .map(({ action, resource }) => `${action} ${resource}`);
}

/** The grants that no access needs. */
export async function unused(grants: readonly Access[], accesses: readonly Access[]): Promise<Access[]> {
  const left: Access[] = [];
  for (const grant of grants) {
    const candidates = accesses.filter(({ action }) => action === grant.action);
    const covered = await Promise.all(candidates.map((access) => isAllowed([grant], access)));
    if (!covered.includes(true)) left.push(grant);
  }
  return left;
}
