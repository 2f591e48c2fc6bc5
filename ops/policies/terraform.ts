import { z } from "zod";
import { rulesFor } from "./rule.ts";

const backendSchema = z.object({
  backend: z.object({ s3: z.object({ encrypt: z.literal(true), use_lockfile: z.literal(true) }) }),
});
const providersSchema = z.object({
  required_providers: z.record(z.string(), z.object({ version: z.string().regex(/^\d+\.\d+\.\d+$/) })),
});

/** Rules for Terraform's own settings in a stack, and for its providers. */
export const terraformRules = [
  ...rulesFor("provider", {
    CKV_AWS_41: [
      "have no keys in it",
      ({ access_key, secret_key, token }) => (access_key ?? secret_key ?? token) === undefined,
    ],
  }),
  ...rulesFor("terraform", {
    PROVIDER_PINNED: [
      "pin one version of each provider",
      (settings) => providersSchema.safeParse(settings).success,
    ],
    STATE_LOCKED: ["encrypt and lock its state", (settings) => backendSchema.safeParse(settings).success],
  }),
];
