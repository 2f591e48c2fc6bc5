import { z } from "zod";
import type { Predicate } from "./rule.ts";

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Statement: z.array(
    z.object({
      Effect: z.enum(["Allow", "Deny"]),
      Principal: z.union([z.string(), z.record(z.string(), oneOrMore)]).optional(),
      Action: oneOrMore,
      Resource: oneOrMore.optional(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});
type Statement = z.output<typeof policySchema>["Statement"][number];

/** Whether no Allow statement of the IAM policy in an attribute is like this. */
export function allowsNone(like: (statement: Statement) => boolean, attribute = "policy"): Predicate {
  return (attributes) =>
    !statements(attributes[attribute]).some((statement) => statement.Effect === "Allow" && like(statement));
}

/** Whether the IAM policy in an attribute allows nothing to principals like this. */
export function closedTo(like: (principal: string) => boolean, attribute?: string): Predicate {
  return allowsNone(({ Principal }) => {
    const principals = typeof Principal === "string" ? [Principal] : Object.values(Principal ?? {}).flat();
    return principals.some(like);
  }, attribute);
}

/** Whether the IAM policy in an attribute allows nothing to everybody. */
export function closedToEverybody(attribute?: string): Predicate {
  return closedTo((principal) => principal === "*", attribute);
}

/** Whether the IAM policy allows no action like this on `*` without a condition. */
export function neverOnEverything(like: (action: string) => boolean): Predicate {
  return allowsNone(
    ({ Action, Resource = [], Condition }) =>
      Resource.includes("*") && Condition === undefined && Action.some(like),
  );
}

/** Whether the IAM policy has no Deny for everybody without a condition. */
export const locksNobodyOut: Predicate = ({ policy }) =>
  !statements(policy).some(
    ({ Effect, Principal, Condition }) => Effect === "Deny" && Principal === "*" && Condition === undefined,
  );

/**
 * Whether a role that trusts GitHub's tokens names one repository, with a branch, an environment or pull requests. The
 * author of a pull request can choose the other parts of a token's subject.
 */
export const trustsOneRepository: Predicate = ({ assume_role_policy: policy }) =>
  statements(policy)
    .filter(({ Action }) => Action.includes("sts:AssumeRoleWithWebIdentity"))
    .every(({ Condition = {} }) => {
      const claims = claimsSchema.parse(Object.assign({}, ...Object.values(Condition)));
      return (
        claims[`${GITHUB}:aud`]?.join() === "sts.amazonaws.com" &&
        claims[`${GITHUB}:sub`]?.every((subject) => SAFE_SUBJECT.test(subject)) === true
      );
    });

const GITHUB = "token.actions.githubusercontent.com";
const SAFE_SUBJECT =
  /^repo:([\w.-]+\/[\w.-]+|[\w.-]+@\d+\/[\w.-]+@\d+):(pull_request|ref:refs\/heads\/[^:]+|environment:[\w-]+)$/;
const claimsSchema = z.record(z.string(), oneOrMore);

/**
 * Whether the IAM policy denies requests without TLS.
 * @param action the action to deny: the widest that the service's policies allow
 * @param resources the ends of the ARNs to deny it on. Default: the resource itself
 */
export function requiresTls(action: string, resources: readonly RegExp[] = [/./]): Predicate {
  return ({ policy }) =>
    statements(policy).some(
      ({ Effect, Principal, Action, Resource = [], Condition }) =>
        Effect === "Deny" &&
        Principal === "*" &&
        Action.includes(action) &&
        resources.every((end) => Resource.some((resource) => end.test(resource))) &&
        Condition?.Bool?.["aws:SecureTransport"] === "false",
    );
}

function statements(policy: unknown): Statement[] {
  return policySchema.parse(JSON.parse(String(policy))).Statement;
}
