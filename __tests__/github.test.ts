import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { closeIssue, dataLossAllowed, openIssue, postComment } from "../ops/github.ts";
import { Github, type GithubState } from "./support/github.ts";

const REPOSITORY = "couch-explorers/couch-explorers";

afterEach(() => {
  vi.unstubAllEnvs();
});

function start(state?: GithubState, env: Readonly<Record<string, string>> = {}): Github {
  const github = new Github(state);
  for (const [name, value] of Object.entries({ ...github.env, ...env })) vi.stubEnv(name, value);
  return github;
}

function report(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "couch-report-")), "report.md");
  writeFileSync(file, text);
  return file;
}

describe("the comment on a pull request", () => {
  it("is one for each environment, and says what its last plan says", async () => {
    const github = start(undefined, { PULL_REQUEST: "7" });
    await postComment(report("Plan for dev: one"), "Plan for dev:");
    await postComment(report("Plan for prod: one"), "Plan for prod:");
    await postComment(report("Plan for dev: two"), "Plan for dev:");
    expect(github.state.comments).toEqual({ 7: ["Plan for dev: two", "Plan for prod: one"] });
  });

  it("leaves alone what others say, however it begins", async () => {
    const github = start({ comments: { 7: ["Somebody says no"] }, issues: [] }, { PULL_REQUEST: "7" });
    await postComment(report("Somebody says: a plan"), "Somebody says");
    expect(github.state.comments).toEqual({ 7: ["Somebody says no", "Somebody says: a plan"] });
  });

  it("is not written where there is no pull request", async () => {
    const github = start(undefined, { PULL_REQUEST: "" });
    await postComment(report("a plan"), "a plan");
    expect(github.state.comments).toEqual({});
  });
});

describe("the issue of the nightly check", () => {
  it("is opened once, and brought up to date while it is open", async () => {
    const github = start();
    await openIssue("Nightly check of dev", report("one difference"));
    await openIssue("Nightly check of dev", report("two differences"));
    expect(github.state.issues).toEqual([
      { number: 1, title: "Nightly check of dev", body: "two differences" },
    ]);
  });

  it("is closed with the reason once all is well, and opened again for what comes after", async () => {
    const github = start();
    await openIssue("Nightly check of dev", report("one difference"));
    await closeIssue("Nightly check of dev", "dev is what the code says");
    await closeIssue("Nightly check of dev", "dev is what the code says");
    await openIssue("Nightly check of dev", report("another one"));
    expect(github.state.issues).toEqual([
      {
        number: 1,
        title: "Nightly check of dev",
        body: "one difference",
        closed: "dev is what the code says",
      },
      { number: 2, title: "Nightly check of dev", body: "another one" },
    ]);
  });

  it("leaves issues alone whose titles only begin like its own", async () => {
    const other = { number: 1, title: "Nightly check of dev is slow", body: "Why?" };
    const github = start({ comments: {}, issues: [other] });
    await closeIssue("Nightly check of dev", "all is well");
    await openIssue("Nightly check of dev", report("one difference"));
    expect(github.state.issues).toEqual([
      other,
      { number: 2, title: "Nightly check of dev", body: "one difference" },
    ]);
  });
});

describe("the loss of data, for a merge", () => {
  const pull = (merge: string, labels: readonly string[]) => [
    { merge_commit_sha: merge, labels: labels.map((name) => ({ name })) },
  ];

  it.each([
    [
      "is agreed to by the label of the pull request that it comes from",
      pull("abc", ["allow-data-loss"]),
      true,
    ],
    ["is not agreed to without the label", pull("abc", ["documentation"]), false],
    [
      "is not agreed to by the label of another pull request with that commit",
      pull("def", ["allow-data-loss"]),
      false,
    ],
  ])("%s", async (_, pulls, allowed) => {
    const api = { [`repos/${REPOSITORY}/commits/abc/pulls`]: pulls };
    start(
      { comments: {}, issues: [], api },
      { GITHUB_REPOSITORY: REPOSITORY, GITHUB_SHA: "abc", GITHUB_EVENT_NAME: "push", ALLOW_DATA_LOSS: "" },
    );
    expect(await dataLossAllowed()).toBe(allowed);
  });
});
