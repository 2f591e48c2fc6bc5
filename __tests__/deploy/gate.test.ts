import { execFile } from "node:child_process";
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { Github } from "../support/github.ts";
import { prepareAccount } from "./support/account.ts";
import { type Emulator, startEmulator } from "./support/emulator.ts";
import { Project, rootCredentials } from "./support/project.ts";

// Each test plans a real change of the code against what is deployed.
describe.skipIf(inject("missing") !== "")("the gate, for a change of what is deployed", () => {
  let emulator: Emulator;
  let project: Project;

  beforeAll(async () => {
    emulator = await startEmulator();
    await prepareAccount(emulator.endpoint);
    const { code, output } = await new Project(emulator.endpoint).npm("deploy", { args: ["--yes"] });
    expect(code, output).toBe(0);
  });
  beforeEach(() => {
    project = new Project(emulator.endpoint);
  });
  afterAll(() => emulator.stop());

  async function plan(env: Readonly<Record<string, string>> = {}) {
    const { code, output } = await project.npm("plan", { env });
    return { code, output, report: project.read("cdktf.out/plan.md") };
  }

  it("passes no change", async () => {
    const { code, report } = await plan();
    expect(code).toBe(0);
    expect(report).toMatch(/^### Plan for dev: no change\n/);
    expect(report).toMatch(/\d+ rules hold, \d+ waived, none broken\./);
  });

  /** Terraform, in a folder with nothing but what has been synthesised. */
  function terraformAlone() {
    const folder = mkdtempSync(join(tmpdir(), "couch-terraform-alone-"));
    cpSync(join(project.folder, "cdktf.out/stacks/pipeline"), folder, { recursive: true });
    return async (...args: string[]): Promise<string> => {
      const { stdout } = await promisify(execFile)(process.env.TERRAFORM_BINARY_NAME ?? "terraform", args, {
        cwd: folder,
        env: project.environment(rootCredentials),
      });
      return stdout;
    };
  }

  it("sees no change with Terraform alone, without this project and CDKTF", async () => {
    await project.npm("synth");
    const terraform = terraformAlone();
    await terraform("init", "-input=false", "-reconfigure");
    // It ends with 2, and so throws, when there is a change.
    await terraform("plan", "-input=false", "-detailed-exitcode");
  });

  it("in Terraform's own language validates, changes nothing but the end of descriptions, and does not stay in the way", async () => {
    await project.npm("synth");
    const { code, output } = await project.npm("synth", { args: ["--hcl"] });
    expect(code, output).toBe(0);
    const terraform = terraformAlone();
    await terraform("init", "-input=false", "-reconfigure");
    expect(await terraform("validate", "-no-color")).toContain("Success!");
    const planned = await terraform("plan", "-input=false", "-no-color");
    expect(planned).toMatch(/Plan: 0 to add, \d+ to change, 0 to destroy/);
    const attributes = [...planned.matchAll(/^ +[~+-] (\w+) += /gm)].map(([, name]) => name);
    expect([...new Set(attributes)]).toEqual(["alarm_description"]);
    const { code: planCode, output: planOutput } = await plan();
    expect(planCode, planOutput).toBe(0);
  });

  it("passes a change of a tag, and lists each resource that gets it", async () => {
    project.edit("constructs/account.ts", 'Project: "couch-explorers"', 'Project: "couch"');
    const { code, report } = await plan();
    expect(code).toBe(0);
    const rows = report.match(/^\| [a-z]+ \|.*$/gm) ?? [];
    expect(report).toMatch(new RegExp(`^### Plan for dev: ${rows.length} changed\n`));
    expect(rows.filter((row) => !/^\| update \| `\S+` \| [^|]*tags_all \|$/.test(row))).toEqual([]);
    expect(rows.join()).toMatch(/`aws_sqs_queue\.\w+`/);
    expect(report).toContain("Monthly fixed cost: unchanged.");
  });

  const unmanage = () =>
    project.edit(
      "config/environments/dev.ts",
      '{ kind: "new", name: "couch-explorers-images-dev" }',
      '{ kind: "existing", name: "couch-explorers-images-dev", keyPrefix: "" }',
    );

  it("stops the destruction of the bucket, and says what would be lost and how to agree to it", async () => {
    unmanage();
    const { code, output } = await plan();
    expect(code).toBe(1);
    expect(output.trim().split("\n").at(-1)).toMatch(
      /^aws_s3_bucket\.\w+ would be destroyed: the pictures and records in it are lost\. If you want that, give the pull request the label allow-data-loss/,
    );
  });

  it("passes the destruction of the bucket once somebody has agreed to it", async () => {
    unmanage();
    const { code, report } = await plan({ ALLOW_DATA_LOSS: "true" });
    expect(code).toBe(0);
    expect(report).toMatch(
      /\| destroy \| `aws_s3_bucket\.\w+` \| the pictures and records in it are lost \|/,
    );
  });

  it("stops the replacement of the queue, and says why Terraform would replace it", async () => {
    project.edit("config/names.ts", "`image-generation-queue-", "`image-prompt-queue-");
    const { code, report } = await plan();
    expect(code).toBe(1);
    expect(report).toMatch(
      /\| replace \| `aws_sqs_queue\.queue_prompts_\w+` \| name cannot be changed in place: the messages in it are lost/,
    );
  });

  it("stops what breaks a policy, and its comment names the rule and what is waived, why and until when", async () => {
    project.edit("constructs/bundled-function.ts", 'mode: "Active"', 'mode: "PassThrough"');
    const github = new Github();
    const { code, output, report } = await plan({ ...github.env, PULL_REQUEST: "7" });
    expect(code).toBe(1);
    expect(github.state.comments).toEqual({ 7: [report] });
    expect(output.trim().split("\n").at(-1)).toMatch(
      /^CKV_AWS_50: aws_lambda_function\.\S+ must be traced\. Change it, or add a waiver with a reason and a review date to ops\/policies\/waivers\.ts/,
    );
    expect(report).toMatch(
      /^\| CKV_AWS_117 \| 3 × `aws_lambda_function` \| It calls AWS services only\..* \| \d{4}-\d\d-\d\d \|$/m,
    );
  });

  it("stops a rename, prints the moved block, and passes the same rename with that block", async () => {
    project.edit("constructs/prompt-queue.ts", '"dead-letters", {', '"dead-letter-queue", {');
    const without = await plan();
    expect(without.code).toBe(1);
    const advice = /^stack(\.addOverride\("moved", .*\);)$/m.exec(without.report)?.[1];

    project.edit("constructs/pipeline-stack.ts", "super(scope, id);", `super(scope, id);\nthis${advice}`);
    const withBlock = await plan();
    expect(withBlock.output).toContain("has moved to");
    expect(withBlock.code).toBe(0);
    expect(withBlock.report).toMatch(
      /^### Plan for dev: 1 moved\n[\s\S]*\| move \| `aws_sqs_queue\.queue_dead-letter-queue_\w+` \| was `aws_sqs_queue\.queue_dead-letters_\w+`; nothing changes in AWS \|/,
    );
  });
});
