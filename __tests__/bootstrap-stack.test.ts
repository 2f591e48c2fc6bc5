import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { App } from "cdktf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { GithubSettings } from "../config/settings.ts";
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

const NAME = "couch-explorers/couch-explorers";
const [OWNER_ID, REPOSITORY_ID] = [1101, 2202];

/** The bootstrap for a repository of each kind, and how the subjects of its tokens begin. */
const forms = {
  "a repository whose tokens carry no ids": {
    stack: synthesise({ repository: NAME }),
    ids: ["", ""],
    ours: `repo:${NAME}`,
  },
  "a repository whose tokens carry ids": {
    stack: synthesise({ repository: NAME, ownerId: OWNER_ID, repositoryId: REPOSITORY_ID }),
    ids: [`@${OWNER_ID}`, `@${REPOSITORY_ID}`],
    ours: `repo:couch-explorers@${OWNER_ID}/couch-explorers@${REPOSITORY_ID}`,
  },
} as const;

function synthesise(github: GithubSettings) {
  const outdir = mkdtempSync(join(tmpdir(), "couch-bootstrap-"));
  const app = new App({ outdir });
  new BootstrapStack(app, "bootstrap", [settingsWith({ github }), settingsWith({ github, suffix: "prod" })]);
  app.synth();
  const text = readFileSync(join(outdir, "stacks", "bootstrap", "cdk.tf.json"), "utf8");
  return stackSchema.parse(
    JSON.parse(text.replaceAll(/\$\{aws_iam_openid_connect_provider\.\w+\.arn\}/g, PROVIDER)),
  );
}

/** Whether a token of GitHub with this subject opens the role, by an evaluator that is not ours. */
async function opens(
  { stack }: (typeof forms)[keyof typeof forms],
  role: string,
  subject: string,
  audience = "sts.amazonaws.com",
): Promise<boolean> {
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

describe("the bootstrap", () => {
  it("protects the state bucket from being destroyed", () => {
    for (const { stack } of Object.values(forms)) {
      expect(Object.values(stack.resource.aws_s3_bucket)).toEqual([{ lifecycle: { prevent_destroy: true } }]);
    }
  });
});

describe.each(Object.entries(forms))("%s", (_, form) => {
  const { ours, ids } = form;

  it.each([
    ["a pull request", "pull_request"],
    ["a branch", "ref:refs/heads/feature/moon"],
    ["main, as the nightly check does", "ref:refs/heads/main"],
  ])("lets %s take the plan role, and not the apply role", async (_, context) => {
    expect(await opens(form, "couch-explorers-plan-dev", `${ours}:${context}`)).toBe(true);
    expect(await opens(form, "couch-explorers-apply-dev", `${ours}:${context}`)).toBe(false);
  });

  it("lets a job with an environment take the apply role of that environment, and no other role", async () => {
    const subject = `${ours}:environment:dev`;
    expect(await opens(form, "couch-explorers-apply-dev", subject)).toBe(true);
    expect(await opens(form, "couch-explorers-apply-prod", subject)).toBe(false);
    expect(await opens(form, "couch-explorers-plan-dev", subject)).toBe(false);
  });

  it("takes only tokens that were made for AWS", async () => {
    const subject = `${ours}:environment:dev`;
    expect(await opens(form, "couch-explorers-apply-dev", subject, "https://example.com")).toBe(false);
  });

  it("lets no thousand near misses take a role", async () => {
    const isTrue = (subject: string) =>
      [`${ours}:pull_request`, `${ours}:environment:dev`].includes(subject) ||
      subject.startsWith(`${ours}:ref:refs/heads/`);
    // fast-check prints the seed and the path of a case that fails.
    await fc.assert(
      fc.asyncProperty(
        nearSubject(ids).filter((subject) => !isTrue(subject)),
        async (subject) => {
          expect(await opens(form, "couch-explorers-plan-dev", subject), subject).toBe(false);
          expect(await opens(form, "couch-explorers-apply-dev", subject), subject).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

/** A name as it is, and as somebody else may call a fork or a repository that looks like ours. */
const nearName = fc.constantFrom(
  "couch-explorers",
  "couch-explorer",
  "couch-explorers-2",
  "Couch-Explorers",
  "*",
);
/** An id as it is, of the other one, of somebody else, longer, shorter, or none. */
const nearId = fc.oneof(
  fc.constantFrom(`@${OWNER_ID}`, `@${REPOSITORY_ID}`, `@${OWNER_ID}0`, "@1", "@", "@*", "@????", ""),
  fc.nat().map((id) => `@${id}`),
);
/** A subject that differs from a true one in one part, or in all. */
function nearSubject([ownerId, repositoryId]: readonly [string, string]): fc.Arbitrary<string> {
  const right = ["repo:", "couch-explorers", ownerId, "/", "couch-explorers", repositoryId, ":"];
  const parts = fc.tuple(
    fc.constantFrom("repo:", "repo:couch-explorers/", "Repo:", "repository:", "", "*"),
    ...([nearName, nearId, fc.constantFrom("/", "//", ":", "")] as const),
    ...([nearName, nearId, fc.constantFrom(":", "/", "::", "")] as const),
    fc.constantFrom(
      "pull_request",
      "environment:dev",
      "environment:*",
      "environment:prod",
      "ref:refs/tags/main",
    ),
    fc.constantFrom("", "", "-2", ":", ":environment:dev", ":ref:refs/heads/main", "*"),
  );
  return fc
    .tuple(parts, fc.integer({ min: -1, max: right.length }))
    .map(([near, only]) =>
      near.map((part, index) => (only === -1 || index === only ? part : (right[index] ?? part))).join(""),
    );
}
