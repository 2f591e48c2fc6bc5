import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** What a command prints that has no environment to work on. */
function plan(env: Readonly<Record<string, string>>): string {
  return spawnSync("npm", ["run", "--silent", "plan"], {
    encoding: "utf8",
    env: { ...process.env, GITHUB_ACTIONS: "", ENVIRONMENT: "100%", ...env },
  }).stdout;
}

describe("a command that fails", () => {
  it("says at the top of the workflow's run what failed, why, and what to type", () => {
    expect(plan({ GITHUB_ACTIONS: "true" })).toBe(
      '::error title=npm run plan failed for 100%::There is no environment "100%25": config/environments/100%25.ts is missing. Set ENVIRONMENT to one of dev, prod, or write that file.\n',
    );
  });

  it("prints no command for GitHub on a laptop", () => {
    expect(plan({})).toBe("");
  });
});
