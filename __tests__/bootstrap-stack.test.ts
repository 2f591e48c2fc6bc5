import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { App } from "cdktf";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { BootstrapStack } from "../constructs/bootstrap-stack.ts";
import { settingsWith } from "./support/synthesise.ts";

const PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
// The evaluator knows the claims of a few issuers only, and drops those of GitHub's tokens: here they come
// under the names of Google's.
const [GITHUB, GOOGLE] = ['"token.actions.githubusercontent.com:', '"accounts.google.com:'];

const roleSchema = z.object({ name: z.string(), assume_role_policy: z.string() });
const stackSchema = z.object({
  resource: z.object({
    aws_iam_role: z.record(z.string(), roleSchema),
    aws_s3_bucket: z.record(z.string(), z.object({ lifecycle: z.object({ prevent_destroy: z.boolean() }) })),
  }),
});

const stack = synthesise();

function synthesise() {
  const outdir = mkdtempSync(join(tmpdir(), "couch-bootstrap-"));
  const app = new App({ outdir });
  new BootstrapStack(app, "bootstrap", [settingsWith(), settingsWith({ suffix: "prod" })]);
  app.synth();
  const text = readFileSync(join(outdir, "stacks", "bootstrap", "cdk.tf.json"), "utf8");
  return stackSchema.parse(
    JSON.parse(text.replaceAll(/\$\{aws_iam_openid_connect_provider\.\w+\.arn\}/g, PROVIDER)),
  );
}

/** Whether a token of GitHub with this subject opens the role, by an evaluator that is not ours. */
async function opens(role: string, subject: string, audience = "sts.amazonaws.com"): Promise<boolean> {
  const { assume_role_policy: trust } =
    Object.values(stack.resource.aws_iam_role).find(({ name }) => name === role) ?? {};
  if (trust === undefined) throw new Error(`there is no role ${role}`);
  const result = await runSimulation(
    {
      request: {
        principal: PROVIDER,
        action: "sts:AssumeRoleWithWebIdentity",
        resource: { resource: `arn:aws:iam::123456789012:role/${role}`, accountId: "123456789012" },
        contextVariables: { "accounts.google.com:sub": subject, "accounts.google.com:aud": audience },
      },
      identityPolicies: [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: JSON.parse(trust.replaceAll(GITHUB, GOOGLE)),
    },
    {},
  );
  if (result.resultType === "error") throw new Error(JSON.stringify(result.errors));
  return result.overallResult === "Allowed";
}

const ours = "repo:couch-explorers/couch-explorers";
const fork = "repo:somebody/couch-explorers";

describe("the bootstrap", () => {
  it("protects the state bucket from being destroyed", () => {
    expect(Object.values(stack.resource.aws_s3_bucket)).toEqual([{ lifecycle: { prevent_destroy: true } }]);
  });

  it.each([
    ["a pull request", `${ours}:pull_request`],
    ["a branch", `${ours}:ref:refs/heads/feature/moon`],
    ["main", `${ours}:ref:refs/heads/main`],
  ])("lets %s take the plan role", async (_, subject) => {
    expect(await opens("couch-explorers-plan-dev", subject)).toBe(true);
  });

  it.each([
    ["a fork's pull request on itself", `${fork}:pull_request`],
    ["a fork's branch", `${fork}:ref:refs/heads/main`],
    ["a tag", `${ours}:ref:refs/tags/v1`],
    ["a repository whose name begins like ours", `${ours}-2:pull_request`],
  ])("does not let %s take the plan role", async (_, subject) => {
    expect(await opens("couch-explorers-plan-dev", subject)).toBe(false);
  });

  it("lets a job with the environment take the apply role", async () => {
    expect(await opens("couch-explorers-apply-dev", `${ours}:environment:dev`)).toBe(true);
  });

  it.each([
    ["a pull request", `${ours}:pull_request`],
    ["main without an environment", `${ours}:ref:refs/heads/main`],
    ["a fork with an environment of that name", `${fork}:environment:dev`],
    ["the environment prod", `${ours}:environment:prod`],
  ])("does not let %s take the apply role of dev", async (_, subject) => {
    expect(await opens("couch-explorers-apply-dev", subject)).toBe(false);
  });

  it("takes only tokens that were made for AWS", async () => {
    expect(await opens("couch-explorers-apply-dev", `${ours}:environment:dev`, "https://example.com")).toBe(
      false,
    );
  });
});
