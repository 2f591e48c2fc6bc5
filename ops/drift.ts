import { writeFileSync } from "node:fs";
import { loadSettings, settingsWarnings } from "../config/load.ts";
import { openIssue, summarise } from "./github.ts";
import { waivers, waiverWarnings } from "./policies/waivers.ts";
import { preflight } from "./preflight.ts";
import { type Change, changedAttributes, planPipeline } from "./terraform-plan.ts";
import { command, environment } from "./tool.ts";

const REPORT = "cdktf.out/nightly.md";

await command(async () => {
  const settings = await loadSettings(environment);
  await preflight(settings);
  const plan = await planPipeline();
  const differing = plan.resource_changes.filter(
    ({ mode, change: { actions } }) => mode === "managed" && !actions.includes("no-op"),
  );
  const findings = [
    ...differing.map((change) => describe(change, plan.resource_drift)),
    ...settingsWarnings(settings, new Date()),
    ...waiverWarnings(waivers, new Date()),
  ];
  if (findings.length === 0) {
    console.log(`${settings.suffix} is what the code says, its models live on, and no waiver is due.`);
    return;
  }
  const report = `${findings.map((finding) => `- ${finding}`).join("\n")}\n`;
  writeFileSync(REPORT, report);
  console.log(`\n${report}`);
  summarise(report);
  if (process.env.GITHUB_ACTIONS === "true") await openIssue(`Nightly check of ${settings.suffix}`, REPORT);
});

function describe(change: Change, drift: readonly Change[]): string {
  const { address } = change;
  const attributes = changedAttributes(change);
  const outside = drift.find((other) => other.address === address);
  // Terraform also calls it drift when AWS spells a value in another way, after each first deploy.
  const drifted = outside === undefined ? [] : changedAttributes(outside);
  const undone = attributes.filter((name) => drifted.includes(name));
  if (undone.length === 0) {
    return `\`${address}\` waits for a deploy (${change.change.actions.join(" and ")}: ${attributes.join(", ")}). Whoever merged it runs the deploy workflow.`;
  }
  const what =
    outside?.change.after === null
      ? "deleted outside of Terraform"
      : `changed outside of Terraform (${undone.join(", ")})`;
  return `\`${address}\` was ${what}. Whoever did it brings the change into the code; otherwise the next deploy takes it back.`;
}
