import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["__tests__/deploy/*.test.ts"],
    globalSetup: ["__tests__/support/temporary-folder.ts", "__tests__/deploy/support/find-tools.ts"],
    // Each step of a deployment is a test, shown as soon as it is done.
    reporters: ["verbose", ...(process.env.GITHUB_ACTIONS === "true" ? ["github-actions"] : [])],
    // Terraform's provider mostly waits; each file has an emulator of its own.
    maxWorkers: 3,
    // The provider alone waits half a minute for each queue.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
