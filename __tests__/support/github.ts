import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const GH = fileURLToPath(new URL("gh.ts", import.meta.url));

interface GithubIssue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  /** The comment with which it was closed. Default: it is open. */
  readonly closed?: string;
}

/** What GitHub knows: comments by pull request, issues, and answers of its API by path; other paths are not found. */
export interface GithubState {
  readonly comments: Readonly<Record<string, readonly string[]>>;
  readonly issues: readonly GithubIssue[];
  readonly api?: Readonly<Record<string, unknown>>;
  /** What `gh` prints and fails with, whatever it is asked. */
  readonly failure?: string;
}

/** A GitHub of the test's own, behind a stand-in for `gh`. */
export class Github {
  readonly #file: string;
  /** Variables by which a program finds the stand-in first. */
  readonly env: Readonly<Record<string, string>>;

  constructor(state: GithubState = { comments: {}, issues: [] }) {
    const folder = mkdtempSync(join(tmpdir(), "couch-github-"));
    this.#file = join(folder, "state.json");
    writeFileSync(this.#file, JSON.stringify(state));
    const command = `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${GH}" "$@"\n`;
    writeFileSync(join(folder, "gh"), command, { mode: 0o755 });
    this.env = { PATH: `${folder}:${process.env.PATH}`, GH_STATE: this.#file };
  }

  get state(): GithubState {
    return JSON.parse(readFileSync(this.#file, "utf8"));
  }
}
