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
 * Compares the repository in the settings with what GitHub writes into its tokens, which is what the roles trust.
 * Throws a DeployError where they differ, with the setting to write. Returns why GitHub could not be asked, where it
 * could not: the settings then stand as they are.
 */
export async function checkRepository(github: GithubSettings): Promise<string | undefined> {
  const { repository, ownerId, repositoryId } = github;
  try {
    const found = await ask(`repos/${repository}`, repositorySchema);
    // https://docs.github.com/en/rest/actions/oidc#get-the-customization-template-for-an-oidc-subject-claim-for-a-repository
    const subject = await ask(`repos/${repository}/actions/oidc/customization/sub`, subjectSchema).catch(
      (error: unknown) => {
        // Not everybody who may read the repository may read this. The ids can be compared all the same.
        if (!(error instanceof DeployError)) throw error;
        return { use_immutable_subject: repositoryId !== undefined };
      },
    );
    const expected = subject.use_immutable_subject
      ? { repository: found.full_name, ownerId: found.owner.id, repositoryId: found.id }
      : { repository: found.full_name, ownerId: undefined, repositoryId: undefined };
    if (
      expected.repository === repository &&
      expected.ownerId === ownerId &&
      expected.repositoryId === repositoryId
    )
      return undefined;
    throw new WrongRepositoryError(
      `config/environments does not name ${repository} as GitHub's tokens do, so no workflow could assume its role. Write github: ${describe(expected)} there, then type: npm run bootstrap`,
    );
  } catch (error) {
    if (error instanceof WrongRepositoryError || !(error instanceof DeployError)) throw error;
    const unchecked = `The repository ${repository} is not checked against GitHub. ${error.message}`;
    return repositoryId === undefined ? `${unchecked} ${warningWithoutIds(repository)}` : unchecked;
  }
}

function warningWithoutIds(repository: string): string {
  return `The settings name ${repository} without its ids. If it was created, renamed or transferred on or after 2026-07-15, no workflow can assume its role. To see the ids, type: gh api repos/${repository} --jq '.owner.id, .id'. Write them into config/environments as github.ownerId and github.repositoryId, then type: npm run bootstrap`;
}

class WrongRepositoryError extends DeployError {}

async function ask<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await run("gh", ["api", path], { quiet: true })));
}

function describe({ repository, ownerId, repositoryId }: GithubSettings): string {
  const ids = repositoryId === undefined ? "" : `, ownerId: ${ownerId}, repositoryId: ${repositoryId}`;
  return `{ repository: "${repository}"${ids} }`;
}
