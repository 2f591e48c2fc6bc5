import type { SettingsInput } from "../settings.ts";

/** For the public. */
export const settings: SettingsInput = {
  region: "eu-west-1",
  suffix: "prod",
  production: true,
  github: { repository: "couch-explorers/couch-explorers" },
  imageBucket: { kind: "new", name: "couch-explorers-images-prod" },
  state: { bucket: "couch-explorers-state", key: "prod/pipeline.tfstate", region: "eu-west-1" },
  models: [
    { id: "stability.stable-image-core-v1:1", concurrency: 20 },
    { id: "stability.sd3-5-large-v1:0", concurrency: 10 },
  ],
  consumer: {
    // What the bench finds to be the cheapest size, with some room; see docs/performance.md.
    memoryMb: 256,
    timeoutSeconds: 120,
    modelTimeoutSeconds: 50,
    receiveLimit: 10,
  },
  api: { authorisation: { kind: "iam" }, throttling: { burst: 2000, ratePerSecond: 500 } },
  monthlyBudgetUsd: 5_000,
  logRetentionDays: 365,
};
