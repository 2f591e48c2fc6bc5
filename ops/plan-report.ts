import { consequences, monthlyUsd, UNJUDGED } from "./consequences.ts";
import type { Verdict } from "./policies/judge.ts";
import { policySection, violationOf } from "./policy-report.ts";
import { type Change, changedAttributes, type Plan, strangers } from "./terraform-plan.ts";

/** The label, on a pull request, that lets its plan destroy what holds data. */
export const DATA_LOSS_LABEL = "allow-data-loss";

/** How the report on a plan for an environment begins, and no other. */
export function headingOf(suffix: string): string {
  return `### Plan for ${suffix}:`;
}

export interface PlanReport {
  /** The plan in Markdown, for a comment or a summary. */
  readonly markdown: string;
  /** Why the plan must not be applied, one line each. Empty where it may be. */
  readonly refusals: readonly string[];
}

type Kind = "create" | "update" | "replace" | "destroy" | "move";

interface Entry {
  readonly kind: Kind;
  readonly change: Change;
}

/**
 * Says what a plan does and whether it may be applied.
 * @param verdict what the policies say to the stack that is planned
 * @param suffix the environment's suffix in the settings
 * @param dataLossAllowed whether somebody has agreed to the loss of data
 */
export function reportOn(plan: Plan, verdict: Verdict, suffix: string, dataLossAllowed: boolean): PlanReport {
  const entries = plan.resource_changes.flatMap(entryOf);
  const renames = findRenames(entries);
  const refusals = [
    ...strangers(plan.prior_state?.values?.root_module.resources ?? [], suffix),
    ...(dataLossAllowed ? [] : entries.filter(losesData).map(refusalOf)),
    ...verdict.violations.map(violationOf),
  ];
  const sections = [
    `${headingOf(suffix)} ${headline(entries)}`,
    ...(entries.length === 0 ? [] : [table(entries)]),
    ...renames.map(renameAdvice),
    ...(entries.length === 0 ? [] : [costLine(entries)]),
    policySection(verdict),
    ...refusals.map((line) => `**Refused:** ${line}`),
  ];
  return { markdown: `${sections.join("\n\n")}\n`, refusals };
}

function entryOf(change: Change): Entry[] {
  const kind = kindOf(change);
  return kind === undefined || change.mode === "data" ? [] : [{ kind, change }];
}

function kindOf({ change: { actions }, previous_address: previous }: Change): Kind | undefined {
  if (actions.includes("create")) return actions.includes("delete") ? "replace" : "create";
  if (actions.includes("delete")) return "destroy";
  if (actions.includes("update")) return "update";
  return previous === undefined ? undefined : "move";
}

function headline(entries: readonly Entry[]): string {
  if (entries.length === 0) return "no change";
  const kinds: readonly (readonly [Kind, string])[] = [
    ["create", "created"],
    ["update", "changed"],
    ["replace", "replaced"],
    ["destroy", "destroyed"],
    ["move", "moved"],
  ];
  return kinds
    .map(([kind, word]) => [entries.filter((entry) => entry.kind === kind).length, word] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}

function table(entries: readonly Entry[]): string {
  const rows = entries.map(
    ({ kind, change }) => `| ${kind} | \`${change.address}\` | ${detail(kind, change)} |`,
  );
  return ["| | Resource | What it means |", "|---|---|---|", ...rows].join("\n");
}

function detail(kind: Kind, change: Change): string {
  switch (kind) {
    case "create":
      return "";
    case "update":
      return changedAttributes(change).join(", ");
    case "replace": {
      const paths = change.change.replace_paths.map((path) => path.join(".")).join(", ");
      const cause = isTainted(change) ? "it is tainted" : `${paths} cannot be changed in place`;
      return `${cause}: ${consequenceOf(change)}`;
    }
    case "destroy":
      return consequenceOf(change);
    case "move":
      return `was \`${change.previous_address}\`; nothing is touched in AWS`;
  }
}

function consequenceOf({ type }: Change): string {
  return consequences[type]?.why ?? UNJUDGED;
}

function losesData({ kind, change }: Entry): boolean {
  return (kind === "destroy" || kind === "replace") && consequences[change.type]?.losesData === true;
}

/**
 * Whether Terraform takes it for half-made. It may hold data all the same: Terraform also says so where only the end of
 * its creation failed, and where somebody typed `terraform taint`.
 */
function isTainted({ action_reason: reason }: Change): boolean {
  return reason === "replace_because_tainted";
}

function refusalOf({ kind, change }: Entry): string {
  const { address } = change;
  const purpose = isTainted(change)
    ? `It is tainted: an apply was cut off while it made it, or somebody marked it. To keep it, type: terraform -chdir=cdktf.out/stacks/pipeline untaint ${address}. To make it anew,`
    : "If that is meant,";
  return `${address} would be ${kind === "destroy" ? "destroyed" : "replaced"}: ${consequenceOf(change)}. ${purpose} give the pull request the label ${DATA_LOSS_LABEL} (on a laptop: ALLOW_DATA_LOSS=true)`;
}

interface Rename {
  readonly from: string;
  readonly to: string;
}

/** What makes a resource the same one in AWS, for the types where it has such a name. */
const identities = ["bucket", "function_name", "name"] as const;

function findRenames(entries: readonly Entry[]): Rename[] {
  const created = entries.filter(({ kind }) => kind === "create");
  return entries
    .filter(({ kind }) => kind === "destroy")
    .flatMap(({ change: old }) => {
      const twin = created.find(
        ({ change: fresh }) =>
          fresh.type === old.type &&
          identities.some((name) => {
            const value = old.change.before?.[name];
            return value !== undefined && value === fresh.change.after?.[name];
          }),
      );
      return twin === undefined ? [] : [{ from: old.address, to: twin.change.address }];
    });
}

function renameAdvice({ from, to }: Rename): string {
  return [
    `\`${from}\` and \`${to}\` are the same thing in AWS under two names in the code. To keep it, add where it is made:`,
    "",
    "```ts",
    `stack.addOverride("moved", [{ from: "${from}", to: "${to}" }]);`,
    "```",
    "",
    "which is Terraform's",
    "",
    "```hcl",
    `moved {\n  from = ${from}\n  to   = ${to}\n}`,
    "```",
  ].join("\n");
}

function costLine(entries: readonly Entry[]): string {
  const change = entries.reduce(
    (sum, { change: { type, change } }) =>
      sum + monthlyUsd(type, change.after) - monthlyUsd(type, change.before),
    0,
  );
  return Math.abs(change) < 0.005
    ? "Monthly fixed cost: unchanged."
    : `Monthly fixed cost: ${change > 0 ? "+" : "−"}$${Math.abs(change).toFixed(2)}.`;
}
