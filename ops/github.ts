import { appendFileSync } from "node:fs";
import { z } from "zod";
import { DATA_LOSS_LABEL } from "./plan-report.ts";
import { run } from "./tool.ts";

// The variables below are set in GitHub's workflows only: on a laptop nothing is posted.

/** Adds a report to the page of the workflow run. */
export function summarise(markdown: string): void {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file !== undefined) appendFileSync(file, markdown);
}

/** Whether data loss is allowed: on a laptop by a variable, on GitHub by the pull request's label. */
export async function dataLossAllowed(): Promise<boolean> {
  if (process.env.ALLOW_DATA_LOSS === "true") return true;
  const { GITHUB_REPOSITORY: repository, GITHUB_SHA: commit, GITHUB_EVENT_NAME: event } = process.env;
  // The labels are on the pull request that the merge comes from.
  if (event !== "push" || repository === undefined || commit === undefined) return false;
  const printed = await run("gh", ["api", `repos/${repository}/commits/${commit}/pulls`], { quiet: true });
  return pullsSchema
    .parse(JSON.parse(printed))
    .some(
      ({ merge_commit_sha: merge, labels }) =>
        merge === commit && labels.some(({ name }) => name === DATA_LOSS_LABEL),
    );
}

const pullsSchema = z.array(
  z.object({ merge_commit_sha: z.string().nullable(), labels: z.array(z.object({ name: z.string() })) }),
);

/**
 * Comments on the pull request of this run, or updates its own comment with the same beginning.
 * @param beginning tells this comment from the others, such as the environment's heading
 */
export async function postComment(file: string, beginning: string): Promise<void> {
  const { PULL_REQUEST: number } = process.env;
  if (number === undefined || number === "") return;
  const printed = await run("gh", ["pr", "view", number, "--json", "comments"], { quiet: true });
  const same = commentsSchema
    .parse(JSON.parse(printed))
    .comments.find(({ viewerDidAuthor: isOurs, body }) => isOurs && body.startsWith(beginning));
  const id = same && /#issuecomment-(\d+)$/.exec(same.url)?.[1];
  await (id === undefined
    ? run("gh", ["pr", "comment", number, "--body-file", file])
    : run("gh", [
        ...["api", `repos/{owner}/{repo}/issues/comments/${id}`, "--method", "PATCH", "--silent"],
        ...["--field", `body=@${file}`],
      ]));
}

const commentsSchema = z.object({
  comments: z.array(z.object({ body: z.string(), url: z.string(), viewerDidAuthor: z.boolean() })),
});

/** Opens an issue with this title, or updates the open one. */
export async function openIssue(title: string, file: string): Promise<void> {
  const number = await findIssue(title);
  await (number === undefined
    ? run("gh", ["issue", "create", "--title", title, "--body-file", file])
    : run("gh", ["issue", "edit", number, "--body-file", file]));
}

/** Closes the open issue with this title, if there is one, with the reason. */
export async function closeIssue(title: string, reason: string): Promise<void> {
  const number = await findIssue(title);
  if (number !== undefined) await run("gh", ["issue", "close", number, "--comment", reason]);
}

/** The number of the open issue with exactly this title. */
async function findIssue(title: string): Promise<string | undefined> {
  const printed = await run(
    "gh",
    ["issue", "list", "--state", "open", "--search", `"${title}" in:title`, "--json", "number,title"],
    { quiet: true },
  );
  const open = z.array(z.object({ number: z.number(), title: z.string() })).parse(JSON.parse(printed));
  return open.find((issue) => issue.title === title)?.number.toString();
}
