import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSettings } from "../config/check.ts";
import { loadSettings } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { models } from "../functions/domain/models.ts";
import { judge } from "../ops/policies/judge.ts";
import type { StackResources } from "../ops/policies/rule.ts";
import { waivers, waiverWarnings } from "../ops/policies/waivers.ts";
import { policySection } from "../ops/policy-report.ts";
import { readRepository } from "./support/repository.ts";
import { settingsWith, synthesise, synthesiseBootstrap } from "./support/synthesise.ts";
import { caseCount } from "./support/thorough.ts";

const environments = readdirSync(new URL("../config/environments", import.meta.url)).map((file) =>
  file.replace(/\.ts$/, ""),
);

/** The stacks of an environment: its pipeline, and what its account needs once. */
function stacksOf(settings: Settings): StackResources[] {
  return [synthesise(settings), synthesiseBootstrap([settings])];
}

function violations(judged: readonly StackResources[]): string[] {
  return judged
    .flatMap((each) => judge(each, waivers).violations)
    .map(({ rule, address }) => `${rule.id}: ${address} must ${rule.demand}`);
}

/**
 * Settings that a deployer might choose; those that do not fit together are left out. So is an API for everybody: who
 * wants that has to waive its rule as well.
 */
const randomSettings = fc
  .record({
    suffix: fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/),
    region: fc.constantFrom("eu-west-1", "eu-central-1", "us-east-1"),
    imageBucket: fc.constantFrom(
      { kind: "new" as const, name: "some-bucket" },
      { kind: "existing" as const, name: "the-teams-bucket", keyPrefix: "couch/" },
    ),
    models: fc.shuffledSubarray(
      models.map(({ id }) => ({ id, concurrency: 40 })),
      { minLength: 1 },
    ),
    consumer: fc.record({
      memoryMb: fc.integer({ min: 256, max: 4096 }),
      timeoutSeconds: fc.integer({ min: 90, max: 900 }),
      modelTimeoutSeconds: fc.integer({ min: 5, max: 80 }),
      receiveLimit: fc.integer({ min: 3, max: 100 }),
    }),
    webhooks: fc.constantFrom([], [{ name: "app", url: "https://app.example/events" }]),
    api: fc.record({
      authorisation: fc.constantFrom(
        { kind: "iam" as const },
        { kind: "jwt" as const, issuer: "https://login.example", audience: ["couch"] },
      ),
      corsOrigins: fc.constantFrom([], ["https://couch.example"]),
      throttling: fc.record({
        burst: fc.integer({ min: 1, max: 5000 }),
        ratePerSecond: fc.integer({ min: 1, max: 10_000 }),
      }),
    }),
    logRetentionDays: fc.constantFrom(1 as const, 14 as const, 365 as const),
  })
  .map((change) => checkSettings({ ...settingsWith(), ...change }))
  .filter((checked) => checked.ok)
  .map(({ settings }) => settings);

describe("every resource keeps the rules", () => {
  it.each(environments)("of %s", async (environment) => {
    expect(violations(stacksOf(await loadSettings(environment)))).toEqual([]);
  });

  it("of the workflows and the Dockerfile", () => {
    expect(violations([readRepository()])).toEqual([]);
  });

  it("of any environment that the settings allow", { timeout: 180_000 }, () => {
    // fast-check prints the seed of a run that fails.
    fc.assert(
      fc.property(randomSettings, (settings) => {
        expect(violations(stacksOf(settings))).toEqual([]);
      }),
      { numRuns: caseCount(20) },
    );
  });
});

describe("a waiver", () => {
  it.each(waivers)(
    "of $rule for $resource has a reason, and a day not far off by which somebody decides again",
    (waiver) => {
      const twoYears = 2 * 366 * 86_400_000;
      expect(waiver.reason).toMatch(/^[A-Z].{20,}\.$/);
      expect(Date.parse(waiver.reviewBy)).toBeLessThan(Date.now() + twoYears);
    },
  );

  it("stands once", () => {
    const names = waivers.map(({ rule, resource }) => `${rule} ${resource}`);
    expect(names).toEqual([...new Set(names)]);
  });

  it.each([
    ["91 days before its day", "2027-09-01", []],
    [
      "90 days before its day",
      "2027-09-03",
      [expect.stringMatching(/^The waiver of A for b is due .* 2027-12-01\./)],
    ],
    [
      "after its day",
      "2027-12-02",
      [expect.stringMatching(/^The waiver of A for b was due .* 2027-12-01\./)],
    ],
  ])("is named in plans: %s", (_, today, lines) => {
    const waiver = { rule: "A", resource: "b", reason: "", reviewBy: "2027-12-01" };
    expect(waiverWarnings([waiver], new Date(today))).toEqual(lines);
  });

  it("still counts after its day, so that it stops no hotfix, and the plan says so", async () => {
    const overdue = waivers.map((waiver) => ({ ...waiver, reviewBy: "2020-01-01" }));
    const [pipeline] = stacksOf(await loadSettings("dev"));
    if (pipeline === undefined) throw new Error("there is no stack");
    const verdict = judge(pipeline, overdue);
    expect(verdict.violations).toEqual([]);
    expect(policySection(verdict)).toContain(
      "**Warning:** The waiver of CKV_AWS_117 for aws_lambda_function was due for review on 2020-01-01. Fix the resource",
    );
  });

  it("is of use: some environment would break the rule", async () => {
    const stacks = (await Promise.all(environments.map(loadSettings))).flatMap(stacksOf);
    const used = [...stacks, readRepository()].flatMap((each) =>
      judge(each, waivers).waived.map(({ waiver }) => waiver),
    );
    expect(waivers.filter((waiver) => !used.includes(waiver))).toEqual([]);
  });
});
