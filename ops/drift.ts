import { writeFileSync } from "node:fs";
import { loadSettings } from "../config/load.ts";
import { NOTICE_DAYS } from "../functions/domain/models.ts";
import { calendar, linesDue, readDay } from "./calendar.ts";
import { DeployError } from "./errors.ts";
import { closeIssue, openIssue, summarise } from "./github.ts";
import { checkModels } from "./models.ts";
import { preflight } from "./preflight.ts";
import { type Change, changedAttributes, planPipeline } from "./terraform-plan.ts";
import { command, environment } from "./tool.ts";

const REPORT = "cdktf.out/nightly.md";

await command(async () => {
  const today = readDay("drift");
  const settings = await loadSettings(environment);
  await preflight(settings);
  const plan = await planPipeline();
  const differing = plan.resource_changes.filter(
    ({ mode, change: { actions } }) => mode === "managed" && !actions.includes("no-op"),
  );
  const models = await checkModels(settings, today);
  const findings = [
    ...differing.map((change) => describe(change, plan.resource_drift)),
    ...linesDue([...calendar, ...models.dated], today),
    ...models.unknown,
  ];
  const title = `Nightly check of ${settings.suffix}`;
  const isWorkflow = process.env.GITHUB_ACTIONS === "true";
  if (findings.length === 0) {
    const report = `${settings.suffix} has no drift, and nothing that it needs ends within ${NOTICE_DAYS} days.`;
    console.log(report);
    if (isWorkflow) await closeIssue(title, report);
    return;
  }
  const report = `${findings.map((finding) => `- ${finding}`).join("\n")}\n`;
  writeFileSync(REPORT, report);
  console.log(`\n${report}`);
  summarise(report);
  if (isWorkflow) await openIssue(title, REPORT);
  if (models.unknown.length > 0) throw new DeployError(models.unknown.join("\n"));
});

function describe(change: Change, drift: readonly Change[]): string {
  const { address } = change;
  const attributes = changedAttributes(change);
  const outside = drift.find((other) => other.address === address);
  // After a first deploy Terraform also reports drift if AWS formats a value in another way.
  const drifted = outside === undefined ? [] : changedAttributes(outside);
  const undone = attributes.filter((name) => drifted.includes(name));
  if (undone.length === 0) {
    return `\`${address}\` waits for a deploy (${change.change.actions.join(" and ")}: ${attributes.join(", ")}). Run the deploy workflow.`;
  }
  const what =
    outside?.change.after === null
      ? "deleted outside of Terraform"
      : `changed outside of Terraform (${undone.join(", ")})`;
  return `\`${address}\` was ${what}. To keep the change, add it to the code; the next deploy reverts it otherwise.`;
}
