import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadSettings } from "../config/load.ts";
import { checkSettings, type Settings } from "../config/settings.ts";
import { models } from "../functions/domain/models.ts";
import { judge } from "../ops/policies/judge.ts";
import type { StackResources } from "../ops/policies/rule.ts";
import { waivers } from "../ops/policies/waivers.ts";
import { readRepository } from "./support/repository.ts";
import { settingsWith, synthesise, synthesiseBootstrap } from "./support/synthesise.ts";

const environments = readdirSync(new URL("../config/environments", import.meta.url)).map((file) =>
  file.replace(/\.ts$/, ""),
);

/** The stacks of an environment: its pipeline, and what its account needs once. */
function stacksOf(settings: Settings): StackResources[] {
  return [synthesise(settings), synthesiseBootstrap([settings])];
}

function violations(judged: readonly StackResources[], now = new Date()): string[] {
  return judged
    .flatMap((each) => judge(each, now).violations)
    .map(({ rule, address }) => `${rule.id}: ${address} must be one that ${rule.demand}`);
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
      { numRuns: 5 },
    );
  });
});

describe("a waiver", () => {
  it.each(waivers)(
    "of $rule for $resource has a reason, and a day not far off on which it expires",
    (waiver) => {
      const twoYears = 2 * 366 * 86_400_000;
      expect(waiver.reason).toMatch(/^[A-Z].{20,}\.$/);
      expect(Date.parse(waiver.expires)).toBeGreaterThan(Date.now());
      expect(Date.parse(waiver.expires)).toBeLessThan(Date.now() + twoYears);
    },
  );

  it("stands once", () => {
    const names = waivers.map(({ rule, resource }) => `${rule} ${resource}`);
    expect(names).toEqual([...new Set(names)]);
  });

  it("does not count any more once it has expired", async () => {
    const afterAll = new Date(Math.max(...waivers.map(({ expires }) => Date.parse(expires))));
    const broken = violations([...stacksOf(await loadSettings("dev")), readRepository()], afterAll);
    expect(waivers.filter(({ rule }) => !broken.some((line) => line.startsWith(`${rule}:`)))).toEqual([]);
  });

  it("is of use: some environment would break the rule", async () => {
    const stacks = (await Promise.all(environments.map(loadSettings))).flatMap(stacksOf);
    const used = [...stacks, readRepository()].flatMap((each) =>
      judge(each, new Date()).waived.map(({ waiver }) => waiver),
    );
    expect(waivers.filter((waiver) => !used.includes(waiver))).toEqual([]);
  });
});
