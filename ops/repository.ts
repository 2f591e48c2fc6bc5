import { z } from "zod";
import type { GithubSettings } from "../config/settings.ts";
import { DeployError } from "./errors.ts";
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
