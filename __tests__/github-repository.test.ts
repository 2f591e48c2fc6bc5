import { afterEach, describe, expect, it, vi } from "vitest";
import type { GithubSettings } from "../config/settings.ts";
import { checkRepository } from "../ops/repository.ts";
import { Github, type GithubState } from "./support/github.ts";

const NAME = "couch-explorers/couch-explorers";
const ids = { ownerId: 11, repositoryId: 22 };
const TYPE = "then type: npm run bootstrap";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Asks a GitHub that knows one repository. */
async function check(
  github: GithubSettings,
  {
    immutable = true,
    name = NAME,
    ...rest
  }: Partial<GithubState> & { immutable?: boolean; name?: string } = {},
) {
  const api = {
    [`repos/${NAME}`]: { full_name: name, id: ids.repositoryId, owner: { login: "couch", id: ids.ownerId } },
    [`repos/${NAME}/actions/oidc/customization/sub`]: { use_default: true, use_immutable_subject: immutable },
  };
  const { env } = new Github({ comments: {}, issues: [], api, ...rest });
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  return checkRepository(github);
}

describe("the repository in the settings", () => {
  it("is right with the ids that its tokens carry", async () => {
    expect(await check({ repository: NAME, ...ids })).toBeUndefined();
  });

  it("is right without ids where its tokens carry none", async () => {
    expect(await check({ repository: NAME }, { immutable: false })).toBeUndefined();
  });

  const right = `{ repository: "${NAME}", ownerId: 11, repositoryId: 22 }`;
  it.each([
    ["without ids where its tokens carry them", { repository: NAME }, {}, right],
    ["with another owner's id", { repository: NAME, ...ids, ownerId: 12 }, {}, right],
    ["with another repository's id", { repository: NAME, ...ids, repositoryId: 23 }, {}, right],
    ["with both ids swapped", { repository: NAME, ownerId: 22, repositoryId: 11 }, {}, right],
    [
      "with ids where its tokens carry none",
      { repository: NAME, ...ids },
      { immutable: false },
      `{ repository: "${NAME}" }`,
    ],
    [
      "by a name that it had before it was renamed",
      { repository: NAME, ...ids },
      { name: "couch/moon" },
      '{ repository: "couch/moon", ownerId: 11, repositoryId: 22 }',
    ],
  ])("is refused %s, with what to write instead", async (_, settings, github, write) => {
    await expect(check(settings, github)).rejects.toThrow(`Write github: ${write} there, ${TYPE}`);
  });

  it.each([
    [
      "gh is not signed in",
      "To get started with GitHub CLI, please run:  gh auth login\nAlternatively, populate the GH_TOKEN environment variable with a GitHub API authentication token.",
      "gh is not signed in to GitHub. Type: gh auth login (in a workflow, set GH_TOKEN)",
    ],
    [
      "gh may not read it",
      "gh: Resource not accessible by personal access token (HTTP 403)",
      "GitHub answers gh: Resource not accessible by personal access token. Type: gh auth refresh --scopes repo (in a workflow, give the job the permission)",
    ],
    [
      "GitHub shows it to nobody",
      "gh: Not Found (HTTP 404)",
      "GitHub does not find the repository, or you may not see it. Compare github.repository in config/environments, then type: gh auth status",
    ],
    [
      "GitHub does not answer",
      "error connecting to api.github.com\ncheck your internet connection or https://githubstatus.com",
      "Cannot connect to GitHub. Check your connection and https://www.githubstatus.com, then type the same command again",
    ],
  ])("stands as it is, unchecked, where %s", async (_, failure, advice) => {
    expect(await check({ repository: NAME, ...ids }, { failure })).toBe(
      `The repository ${NAME} is not checked against GitHub. ${advice}`,
    );
  });

  it("stands as it is, unchecked, where there is no gh", async () => {
    vi.stubEnv("PATH", "/nowhere");
    expect(await checkRepository({ repository: NAME, ...ids })).toBe(
      `The repository ${NAME} is not checked against GitHub. gh is missing. Install it from https://cli.github.com, then type: gh auth login`,
    );
  });

  it("brings a warning where it is unchecked and has no ids, that says when it fails and what to type", async () => {
    expect(await check({ repository: NAME }, { failure: "gh: Not Found (HTTP 404)" })).toMatch(
      /created, renamed or transferred on or after 2026-07-15, no workflow can assume its role\. To see the ids, type: gh api repos\/\S+ --jq '\.owner\.id, \.id'\./,
    );
  });

  it("is refused with wrong ids also where the form of its tokens may not be read", async () => {
    const api = { [`repos/${NAME}`]: { full_name: NAME, id: 22, owner: { id: 11 } } };
    await expect(check({ repository: NAME, ...ids, ownerId: 12 }, { api })).rejects.toThrow(
      `Write github: ${right} there, ${TYPE}`,
    );
    expect(await check({ repository: NAME, ...ids }, { api })).toBeUndefined();
  });
});
