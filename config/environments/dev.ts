import type { SettingsInput } from "../settings.ts";

/** For trying things out. Its budget lets a thousand prompts be painted within an hour. */
export const settings: SettingsInput = {
  region: "eu-west-1",
  suffix: "dev",
  github: { repository: "couch-explorers/couch-explorers" },
  imageBucket: { kind: "new", name: "couch-explorers-images-dev" },
  state: { bucket: "couch-explorers-state", key: "dev/pipeline.tfstate", region: "eu-west-1" },
  models: [
    { id: "stability.stable-image-core-v1:1", concurrency: 8 },
    { id: "stability.sd3-5-large-v1:0", concurrency: 4 },
  ],
  consumer: {
    // What the bench finds to be the cheapest size, with some room; see docs/performance.md.
    memoryMb: 256,
    timeoutSeconds: 120,
    modelTimeoutSeconds: 50,
    receiveLimit: 10,
  },
  api: { authorisation: { kind: "iam" }, throttling: { burst: 2000, ratePerSecond: 500 } },
  monthlyBudgetUsd: 2_000,
  logRetentionDays: 14,
};
