import { runSimulation } from "@cloud-copilot/iam-simulate";
import { z } from "zod";
import { consumerName } from "../../config/names.ts";
import type { Journaled } from "../../local/chaos/proxy.ts";
import { LOCAL_ACCOUNT_ID } from "../../local/stack/terraform-attributes.ts";

/** What IAM judges a call by. */
export interface Access {
  readonly action: string;
  readonly resource: string;
}

/** What a policy allows, and on what condition. */
export interface Grant extends Access {
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
}

/** What IAM knows of each call of Lambda: all are about the consumer's event source. */
const CONTEXT = {
  "lambda:FunctionArn": `arn:aws:lambda:eu-west-1:${LOCAL_ACCOUNT_ID}:function:${consumerName("dev")}`,
};

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.literal("Allow"),
      ...{ Action: oneOrMore, Resource: oneOrMore },
      Condition: z.record(z.string(), z.record(z.string(), z.string())).optional(),
    }),
  ),
});

/** Each action on each resource that a policy allows. Throws for one that does more than allow. */
export function grantsOf(policy: string): Grant[] {
  return policySchema
    .parse(JSON.parse(policy))
    .Statement.flatMap(({ Action, Resource, Condition }) =>
      Action.flatMap((action) => Resource.map((resource) => ({ action, resource, condition: Condition }))),
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
      : action === "s3:DeleteObjectVersion"
        ? // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html: s3:DeleteObject is always needed
          [
            { action, resource },
            { action: "s3:DeleteObject", resource },
          ]
        : [{ action, resource }],
  );
  return [...new Map(all.map((access) => [`${access.action} ${access.resource}`, access])).values()];
}

/** Whether IAM would allow it, as an evaluator that others wrote judges. */
export async function isAllowed(grants: readonly Grant[], { action, resource }: Access): Promise<boolean> {
  const Statement = grants.map((grant) => ({
    Effect: "Allow",
    Action: grant.action,
    Resource: grant.resource,
    ...(grant.condition && { Condition: grant.condition }),
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
        contextVariables: action.startsWith("lambda:") ? CONTEXT : {},
      },
    },
    {},
  );
  if (response.resultType === "error") throw new Error(JSON.stringify(response));
  return response.overallResult === "Allowed";
}

/** The accesses that no grant covers, as text. */
export async function denied(grants: readonly Grant[], accesses: readonly Access[]): Promise<string[]> {
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
