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

/** Whether the IAM policy in an attribute has no statement that allows something and is like this. */
export function allowsNone(like: (statement: Statement) => boolean, attribute = "policy"): Predicate {
  return (attributes) =>
    !statements(attributes[attribute]).some((statement) => statement.Effect === "Allow" && like(statement));
}

/** Whether the IAM policy in an attribute allows nothing to everybody. */
export function closedToEverybody(attribute?: string): Predicate {
  return allowsNone(
    ({ Principal }) =>
      typeof Principal === "string" ? Principal === "*" : (Principal?.AWS ?? []).includes("*"),
    attribute,
  );
}

/** Whether the resource's IAM policy refuses whoever comes without TLS. */
export const demandsTls: Predicate = ({ policy }) =>
  statements(policy).some(
    ({ Effect, Principal, Condition }) =>
      Effect === "Deny" && Principal === "*" && Condition?.Bool?.["aws:SecureTransport"] === "false",
  );

function statements(policy: unknown): Statement[] {
  return policySchema.parse(JSON.parse(String(policy))).Statement;
}
