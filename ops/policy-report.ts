import type { Finding, Verdict } from "./policies/judge.ts";
import { waiverWarnings } from "./policies/waivers.ts";

/** The result of the policies in Markdown: the counts, and each waiver with its reason and review date. */
export function policySection({ kept, resources, violations, waived }: Verdict): string {
  const headline = `Policies, for ${resources} resources: ${kept} rules hold, ${waived.length} waived, ${violations.length === 0 ? "none" : violations.length} broken.`;
  if (waived.length === 0) return headline;
  const rows = waived.map(
    ({ waiver: { rule, resource, reason, reviewBy }, count }) =>
      `| ${rule} | ${count} × \`${resource}\` | ${reason} | ${reviewBy} |`,
  );
  return [
    headline,
    "",
    ...waiverWarnings(
      waived.map(({ waiver }) => waiver),
      new Date(),
    ).flatMap((line) => [`**Warning:** ${line}`, ""]),
    "<details><summary>Waivers</summary>",
    "",
    "| Rule | Waived for | Reason | Review by |",
    "|---|---|---|---|",
    ...rows,
    "",
    "</details>",
  ].join("\n");
}

/** One line for a violation: what breaks which rule, and what to do. */
export function violationOf({ rule: { id, demand }, address }: Finding): string {
  return `${id}: ${address} must ${demand}. Change it, or add a waiver with a reason and a review date to ops/policies/waivers.ts`;
}
