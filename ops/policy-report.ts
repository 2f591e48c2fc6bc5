import type { Finding, Verdict } from "./policies/judge.ts";
import { waiverWarnings } from "./policies/waivers.ts";

/** Says in Markdown how many rules hold, and which do not have to, why, and by when somebody decides again. */
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
    "| Rule | Does not have to hold for | Because | Review by |",
    "|---|---|---|---|",
    ...rows,
    "",
    "</details>",
  ].join("\n");
}

/** Says in one line what breaks which rule, and what to do. */
export function violationOf({ rule: { id, demand }, address }: Finding): string {
  return `${id}: ${address} must be one that ${demand}. Change it, or waive the rule for it in ops/policies/waivers.ts with a reason and a day`;
}
