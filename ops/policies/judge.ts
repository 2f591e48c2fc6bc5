import { bucketRules } from "./bucket.ts";
import { dockerfileRules } from "./dockerfile.ts";
import { functionRules } from "./functions.ts";
import { httpApiRules } from "./http-api.ts";
import { monitoringRules } from "./monitoring.ts";
import { queueRules } from "./queues.ts";
import { roleAndKeyRules } from "./roles-and-keys.ts";
import type { PolicyRule, StackResources } from "./rule.ts";
import { terraformRules } from "./terraform.ts";
import type { Waiver } from "./waivers.ts";
import { workflowRules } from "./workflows.ts";

export const policyRules: readonly PolicyRule[] = [
  ...queueRules,
  ...functionRules,
  ...bucketRules,
  ...monitoringRules,
  ...httpApiRules,
  ...roleAndKeyRules,
  ...terraformRules,
  ...workflowRules,
  ...dockerfileRules,
];

/** A resource that breaks a rule. */
export interface Finding {
  readonly rule: PolicyRule;
  /** The resource's address in Terraform. */
  readonly address: string;
}

export interface Verdict {
  /** How many of the rules that apply to the stack hold. */
  readonly kept: number;
  /** How many resources the rules apply to. */
  readonly resources: number;
  /** The findings without a waiver. */
  readonly violations: readonly Finding[];
  /** The waivers in use, each with the number of resources that need it. */
  readonly waived: readonly { readonly waiver: Waiver; readonly count: number }[];
}

/** Checks a stack against all rules. */
export function judge(stack: StackResources, waivers: readonly Waiver[]): Verdict {
  const concerned = policyRules.filter(({ type }) => Object.keys(stack.resources(type)).length > 0);
  const findings = concerned.flatMap((rule) =>
    Object.entries(stack.resources(rule.type))
      .map(([name, attributes]) => ({ rule, attributes, address: `${rule.type}.${name}` }))
      .filter(({ attributes, address }) => !rule.holds(attributes, stack, address)),
  );
  return {
    kept: concerned.filter((rule) => !findings.some((finding) => finding.rule === rule)).length,
    resources: [...new Set(concerned.map(({ type }) => type))].flatMap((type) =>
      Object.keys(stack.resources(type)),
    ).length,
    violations: findings.filter((finding) => !waivers.some((waiver) => covers(waiver, finding))),
    waived: waivers
      .map((waiver) => ({ waiver, count: findings.filter((finding) => covers(waiver, finding)).length }))
      .filter(({ count }) => count > 0),
  };
}

function covers({ rule, resource }: Waiver, finding: Finding): boolean {
  const [type, part = ""] = resource.split(".");
  return rule === finding.rule.id && finding.rule.type === type && finding.address.includes(part);
}
