import { dataLosses, monthlyUsd, outages, UNKNOWN_CONSEQUENCE } from "./consequences.ts";
import type { Verdict } from "./policies/judge.ts";
import { policySection, violationOf } from "./policy-report.ts";
import { type Change, changedAttributes, foreignEnvironments, type Plan } from "./terraform-plan.ts";

/** The label that lets a pull request's plan destroy resources that hold data. */
export const DATA_LOSS_LABEL = "allow-data-loss";

/** The beginning of the report for an environment: it tells the reports on one pull request apart. */
export function headingOf(suffix: string): string {
  return `### Plan for ${suffix}:`;
}

export interface PlanReport {
  readonly markdown: string;
  /** Why the plan must not be applied, one line each. */
  readonly refusals: readonly string[];
}

/** What happens to a resource, and the word for it in the headline. */
const KINDS = {
  create: "created",
  update: "changed",
  replace: "replaced",
  destroy: "destroyed",
  move: "moved",
} as const;
type Kind = keyof typeof KINDS;

interface Entry {
  readonly kind: Kind;
  readonly change: Change;
}

/**
 * Reports what a plan does and whether it may be applied.
 * @param verdict of the policies on the planned stack
 * @param suffix the environment's suffix in the settings
 * @param dataLossAllowed whether somebody has agreed to the loss of data
 */
export function reportOn(plan: Plan, verdict: Verdict, suffix: string, dataLossAllowed: boolean): PlanReport {
  const entries = plan.resource_changes.flatMap(entryOf);
  const renames = findRenames(entries);
  const refusals = [
    ...foreignEnvironments(plan.prior_state?.values?.root_module.resources ?? [], suffix),
    ...(dataLossAllowed ? [] : entries.filter(losesData).map(refusalOf)),
    ...restartsOf(entries),
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
  return Object.entries(KINDS)
    .map(([kind, word]) => ({ count: entries.filter((entry) => entry.kind === kind).length, word }))
    .filter(({ count }) => count > 0)
    .map(({ count, word }) => `${count} ${word}`)
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
      return `was \`${change.previous_address}\`; nothing changes in AWS`;
  }
}

function consequenceOf({ type }: Change): string {
  return dataLosses[type] ?? outages[type] ?? UNKNOWN_CONSEQUENCE;
}

function losesData({ kind, change }: Entry): boolean {
  return (kind === "destroy" || kind === "replace") && change.type in dataLosses;
}

/** A new event source is enabled, whatever the one before it was: it would take back what the spend breaker did. */
function restartsOf(entries: readonly Entry[]): string[] {
  const sources = entries.filter(({ change: { type } }) => type === "aws_lambda_event_source_mapping");
  if (!sources.some(({ kind }) => kind === "create" || kind === "replace")) return [];
  return sources
    .filter(
      ({ kind, change }) => ["destroy", "replace"].includes(kind) && change.change.before?.enabled === false,
    )
    .map(
      ({ change: { address } }) =>
        `${address} is stopped, and the one that takes its place would start the consumer. Follow docs/runbooks/spend.md until you may resume it: npm run --silent client -- resume. Then plan again`,
    );
}

/** A tainted resource may hold data: Terraform also taints it if only the end of its creation failed. */
function isTainted({ action_reason: reason }: Change): boolean {
  return reason === "replace_because_tainted";
}

function refusalOf({ kind, change }: Entry): string {
  const { address } = change;
  const purpose = isTainted(change)
    ? `It is tainted: an apply was interrupted while it made it, or somebody typed terraform taint. To keep it, type: terraform -chdir=cdktf.out/stacks/pipeline untaint ${address}. To replace it,`
    : "If you want that,";
  return `${address} would be ${kind === "destroy" ? "destroyed" : "replaced"}: ${consequenceOf(change)}. ${purpose} give the pull request the label ${DATA_LOSS_LABEL} (on a laptop: ALLOW_DATA_LOSS=true)`;
}

/** The attributes that name a resource in AWS. */
const identities = ["bucket", "function_name", "name"] as const;

function findRenames(entries: readonly Entry[]) {
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

function renameAdvice({ from, to }: { readonly from: string; readonly to: string }): string {
  return [
    `\`${from}\` and \`${to}\` have the same name in AWS. If you renamed the resource in the code, keep it with this line where it is made:`,
    "",
    "```ts",
    `stack.addOverride("moved", [{ from: "${from}", to: "${to}" }]);`,
    "```",
    "",
    "In HCL:",
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
