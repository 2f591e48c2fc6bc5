import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["__tests__/*.test.ts"],
    globalSetup: "__tests__/support/temporary-folder.ts",
    // Most files wait for processes and servers of their own.
    maxWorkers: 2 * availableParallelism(),
    // The tests start servers and synthesise stacks; a slow machine is no reason to fail.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
