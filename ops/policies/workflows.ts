import { z } from "zod";
import type { PolicyRule, Predicate } from "./rule.ts";

const workflowSchema = z.object({
  on: z.looseObject({ workflow_dispatch: z.looseObject({ inputs: z.looseObject({}).optional() }).nullish() }),
  jobs: z.record(
    z.string(),
    z.object({
      // None where the job is another workflow, which is judged by itself.
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
export const workflowRules: readonly PolicyRule[] = [
  {
    id: "CKV_GHA_1",
    type: "github_workflow",
    demand: "does not allow commands that print their way into the environment",
    holds: (workflow) => !JSON.stringify(workflow).includes("ACTIONS_ALLOW_UNSECURE_COMMANDS"),
  },
  {
    id: "CKV_GHA_2",
    type: "github_workflow",
    demand: "puts nothing that others wrote into a command",
    holds: runsNone(/\$\{\{/),
  },
  {
    id: "CKV_GHA_3",
    type: "github_workflow",
    demand: "sends nothing away with curl",
    holds: runsNone(/\b(curl|wget)\b/),
  },
  {
    id: "CKV_GHA_4",
    type: "github_workflow",
    demand: "opens no connection with netcat",
    holds: runsNone(/\b(nc|ncat|netcat)\b/),
  },
  {
    // Checkov looks for the command cosign; this action signs with the same service, Sigstore.
    id: "CKV_GHA_5",
    type: "github_workflow",
    demand: "signs what it publishes",
    holds: publishesOnlyWith(({ uses }) => uses.startsWith("actions/attest-build-provenance@")),
  },
  {
    id: "CKV_GHA_6",
    type: "github_workflow",
    demand: "publishes with a list of contents",
    holds: publishesOnlyWith((step) => step.with.sbom === true),
  },
  {
    id: "CKV_GHA_7",
    type: "github_workflow",
    demand: "lets nobody decide by hand what it makes",
    holds: (workflow) => workflowSchema.parse(workflow).on.workflow_dispatch?.inputs === undefined,
  },
];
