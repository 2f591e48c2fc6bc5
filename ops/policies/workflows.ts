import { z } from "zod";
import { type Predicate, rulesFor } from "./rule.ts";

const workflowSchema = z.object({
  on: z.looseObject({ workflow_dispatch: z.looseObject({ inputs: z.looseObject({}).optional() }).nullish() }),
  jobs: z.record(
    z.string(),
    z.object({
      // A job that calls another workflow has no steps.
      steps: z
        .array(
          z.object({
            uses: z.string().default(""),
            run: z.string().default(""),
            with: z.record(z.string(), z.unknown()).default({}),
          }),
        )
        .default([]),
    }),
  ),
});

/** Whether no command of a workflow is like this. */
function runsNone(like: RegExp): Predicate {
  return (workflow) =>
    Object.values(workflowSchema.parse(workflow).jobs).every(({ steps }) =>
      steps.every(({ run }) => !like.test(run)),
    );
}

type Step = z.output<typeof workflowSchema>["jobs"][string]["steps"][number];

/** Whether each job that publishes an image also takes a step like this. */
function publishesOnlyWith(like: (step: Step) => boolean): Predicate {
  return (workflow) =>
    Object.values(workflowSchema.parse(workflow).jobs).every(
      ({ steps }) => !steps.some((step) => step.with.push === true) || steps.some(like),
    );
}

/** Rules for GitHub's workflows, each a resource of the type `github_workflow` under its file's name. */
export const workflowRules = rulesFor("github_workflow", {
  CKV_GHA_1: [
    "not let a command's output set the environment",
    (workflow) => !JSON.stringify(workflow).includes("ACTIONS_ALLOW_UNSECURE_COMMANDS"),
  ],
  CKV_GHA_2: ["put no expression into a command: others may have written its value", runsNone(/\$\{\{/)],
  CKV_GHA_3: ["send nothing with curl", runsNone(/\b(curl|wget)\b/)],
  CKV_GHA_4: ["open no connection with netcat", runsNone(/\b(nc|ncat|netcat)\b/)],
  // Checkov looks for the command cosign; this action signs with the same service, Sigstore.
  CKV_GHA_5: [
    "sign the images that it publishes",
    publishesOnlyWith(({ uses }) => uses.startsWith("actions/attest-build-provenance@")),
  ],
  CKV_GHA_6: ["publish images with an SBOM", publishesOnlyWith((step) => step.with.sbom === true)],
  CKV_GHA_7: [
    "have no inputs",
    (workflow) => workflowSchema.parse(workflow).on.workflow_dispatch?.inputs === undefined,
  ],
});
