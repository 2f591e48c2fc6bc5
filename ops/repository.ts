import { GetRoleCommand, IAMClient, NoSuchEntityException } from "@aws-sdk/client-iam";
import { z } from "zod";
import { probeRoleName } from "../config/names.ts";
import type { GithubSettings, Settings } from "../config/settings.ts";
import { DeployError, explainAws } from "./errors.ts";
import { run } from "./tool.ts";

const repositorySchema = z.object({
  full_name: z.string(),
  id: z.int(),
  owner: z.object({ id: z.int() }),
});
const subjectSchema = z.object({ use_immutable_subject: z.boolean().default(false) });

/**
 * Compares the repository in the settings with the subject of GitHub's tokens, which the roles trust. Throws a
 * DeployError with the correct setting if they differ. Returns the reason if GitHub cannot be asked.
 */
export async function checkRepository(github: GithubSettings): Promise<string | undefined> {
  const { repository, ownerId, repositoryId } = github;
  const expected = await readRepository(github).catch(returnDeployError);
  if (expected instanceof DeployError) {
    const unchecked = `The repository ${repository} is not checked against GitHub. ${expected.message}`;
    return repositoryId === undefined ? `${unchecked} ${warningWithoutIds(repository)}` : unchecked;
  }
  if (
    expected.repository === repository &&
    expected.ownerId === ownerId &&
    expected.repositoryId === repositoryId
  )
    return undefined;
  throw new DeployError(
    `config/environments does not name ${repository} as GitHub's tokens do, so no workflow could assume its role. Write github: ${describe(expected)} there, then type: npm run bootstrap`,
  );
}

const environmentsSchema = z.object({
  environments: z.array(
    z.object({
      name: z.string(),
      deployment_branch_policy: z.object({ custom_branch_policies: z.boolean() }).nullable(),
    }),
  ),
});
const branchesSchema = z.object({
  branch_policies: z.array(z.object({ name: z.string(), type: z.string().default("branch") })),
});

/** The environment of GitHub that holds the secrets to publish the client. */
const PUBLISHING = "dockerhub";

/**
 * Checks that GitHub lets the branch main alone deploy to environments, as the trust in their names presumes: GitHub
 * creates an environment that a workflow names and that does not exist, without rules, for any branch. The one that
 * publishes may not exist, and may allow tags, for releases. Throws a DeployError that says what to set. Returns the
 * reason if GitHub cannot be asked.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments#deployment-branches-and-tags
 */
export async function checkEnvironments(
  repository: string,
  suffixes: readonly string[],
): Promise<string | undefined> {
  const path = `repos/${repository}/environments`;
  const known = await ask(`${path}?per_page=100`, environmentsSchema).catch(returnDeployError);
  const unchecked = `Whether main alone may deploy to the environments of ${repository} is not checked. `;
  if (known instanceof DeployError) return unchecked + known.message;
  const problems: string[] = [];
  for (const name of [...suffixes, PUBLISHING]) {
    // GitHub does not tell names apart by their case.
    const found = known.environments.find((one) => one.name.toLowerCase() === name);
    if (found === undefined) {
      if (name !== PUBLISHING) problems.push(`${name} does not exist: GitHub would create it for any branch`);
      continue;
    }
    if (!found.deployment_branch_policy?.custom_branch_policies) {
      problems.push(`${name} lets other branches than main deploy`);
      continue;
    }
    const policies = await ask(
      `${path}/${encodeURIComponent(found.name)}/deployment-branch-policies?per_page=100`,
      branchesSchema,
    ).catch(returnDeployError);
    if (policies instanceof DeployError) return unchecked + policies.message;
    const others = policies.branch_policies.filter(
      ({ name: ref, type }) => !(type === "branch" ? ref === "main" : name === PUBLISHING),
    );
    if (others.length > 0) {
      problems.push(`${name} lets ${others.map(({ name: ref }) => JSON.stringify(ref)).join(", ")} deploy`);
    }
  }
  if (problems.length === 0) return undefined;
  throw new DeployError(
    `The environments of ${repository} are open: ${problems.join("; ")}. At https://github.com/${repository}/settings/environments, set the deployment branches of each to the selected branch main, then type the same command again`,
  );
}

/**
 * Checks that a workflow has taken the probe role, before the claim `ref` is required: AWS then reads the claim. Throws a
 * DeployError.
 */
export async function checkRefIsRead({ github, suffix, region }: Settings): Promise<void> {
  if (github.ref !== "require") return;
  const RoleName = probeRoleName(suffix);
  const used = await new IAMClient({ region }).send(new GetRoleCommand({ RoleName })).then(
    ({ Role }) => Role?.RoleLastUsed?.LastUsedDate,
    (error: unknown) => {
      if (error instanceof NoSuchEntityException) return undefined;
      throw explainAws(error);
    },
  );
  if (used !== undefined) return;
  throw new DeployError(
    `No workflow has taken the role ${RoleName} yet, so it is not known whether AWS reads the claim ref: to require it could lock every workflow out. Set github.ref to "probe" in config/environments, type npm run bootstrap, and follow docs/deploy.md`,
  );
}

function warningWithoutIds(repository: string): string {
  return `The settings name ${repository} without its ids. If it was created, renamed or transferred on or after 2026-07-15, no workflow can assume its role. To see the ids, type: gh api repos/${repository} --jq '.owner.id, .id'. Write them into config/environments as github.ownerId and github.repositoryId, then type: npm run bootstrap`;
}

/** The repository as GitHub's tokens name it. */
async function readRepository({ repository, repositoryId }: GithubSettings): Promise<GithubSettings> {
  const { full_name: name, owner, id } = await ask(`repos/${repository}`, repositorySchema);
  // https://docs.github.com/en/rest/actions/oidc#get-the-customization-template-for-an-oidc-subject-claim-for-a-repository
  const path = `repos/${repository}/actions/oidc/customization/sub`;
  const subject = await ask(path, subjectSchema).catch(returnDeployError);
  // Not everybody who may read the repository may read this. The ids can be compared all the same.
  const hasIds = subject instanceof DeployError ? repositoryId !== undefined : subject.use_immutable_subject;
  return { repository: name, ...(hasIds && { ownerId: owner.id, repositoryId: id }) };
}

function returnDeployError(error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  throw error;
}

async function ask<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await run("gh", ["api", path], { quiet: true })));
}

function describe({ repository, ownerId, repositoryId }: GithubSettings): string {
  const ids = repositoryId === undefined ? "" : `, ownerId: ${ownerId}, repositoryId: ${repositoryId}`;
  return `{ repository: "${repository}"${ids} }`;
}
