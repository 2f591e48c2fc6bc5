import { z } from "zod";
import type { PolicyRule } from "./rule.ts";

const settingsSchema = z.object({
  backend: z.object({ s3: z.object({ encrypt: z.literal(true), use_lockfile: z.literal(true) }) }),
});
const providersSchema = z.object({
  required_providers: z.record(z.string(), z.object({ version: z.string().regex(/^\d+\.\d+\.\d+$/) })),
});

/** Rules for what a stack demands of Terraform and its providers. */
export const terraformRules: readonly PolicyRule[] = [
  {
    id: "CKV_AWS_41",
    type: "provider",
    demand: "has no keys in it",
    holds: ({ access_key, secret_key, token }) => (access_key ?? secret_key ?? token) === undefined,
  },
  {
    id: "PROVIDER_PINNED",
    type: "terraform",
    demand: "names one version of each provider",
    holds: (settings) => providersSchema.safeParse(settings).success,
  },
  {
    id: "STATE_LOCKED",
    type: "terraform",
    demand: "keeps its state encrypted, and locks it",
    holds: (settings) => settingsSchema.safeParse(settings).success,
  },
];
