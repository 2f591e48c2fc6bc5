import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { GetRoleCommand, GetRolePolicyCommand, IAMClient, ListRolesCommand } from "@aws-sdk/client-iam";
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
} from "@aws-sdk/client-lambda";
import {
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { terraformBinary } from "../../ops/tool.ts";
import { BedrockCatalogue } from "../support/bedrock-catalogue.ts";
import { Github, type GithubState } from "../support/github.ts";
import { prepareAccount } from "./support/account.ts";
import { type Emulator, startEmulator } from "./support/emulator.ts";
import { ALARM_EMAIL } from "./support/environment.ts";
import { testMonitoring } from "./support/monitoring.ts";
import { Project, type Running, rootCredentials } from "./support/project.ts";

const STATE_BUCKET = "couch-explorers-state";
const IMAGE_BUCKET = "couch-explorers-images-dev";
const QUEUE = "image-generation-queue-dev";
const FUNCTION = "image-processor-dev";
const QUESTION = /Type apply to continue: /;

// The tests of this file are the steps of one environment's life, in their order: an apply takes a minute.
describe.skipIf(inject("missing") !== "")("an environment, from its first deploy to its end", () => {
  let emulator: Emulator;
  let project: Project;
  let bedrock: BedrockCatalogue;
  let client: { endpoint: string; region: string; credentials: typeof rootCredentials };

  beforeAll(async () => {
    [emulator, bedrock] = await Promise.all([startEmulator(), BedrockCatalogue.start()]);
    project = new Project(emulator.endpoint);
    client = { endpoint: emulator.endpoint, region: "eu-west-1", credentials: rootCredentials };
    await prepareAccount(emulator.endpoint);
  });
  afterAll(async () => {
    bedrock.stop();
    await emulator.stop();
  });

  async function succeed(script: string, ...args: string[]): Promise<string> {
    const { code, output } = await project.npm(script, { args });
    expect(code, output).toBe(0);
    return output;
  }

  /** Runs the nightly check as the workflow does. */
  async function checkNightly(state?: GithubState, env: Readonly<Record<string, string>> = {}) {
    const github = new Github(state);
    // A day on which nothing else is due.
    const { code, output } = await project.npm("drift", {
      args: ["--date", "2027-01-01"],
      env: { ...bedrock.env, ...github.env, GITHUB_ACTIONS: "true", ...env },
    });
    return { code, output, github };
  }

  const s3 = () => new S3Client(client);

  it("deploys the pipeline, and warns while nobody has confirmed the e-mail about alarms", async () => {
    const output = await succeed("deploy", "--yes");
    expect(output.match(/^Warning: .*$/gm)).toEqual([
      `Warning: ${ALARM_EMAIL} gets no alarms until its owner confirms the e-mails from AWS.`,
    ]);
    const { QueueUrls } = await new SQSClient(client).send(new ListQueuesCommand({}));
    expect(QueueUrls?.map((url) => url.split("/").at(-1)).sort()).toEqual([QUEUE, `${QUEUE}-dlq`]);
  });

  async function queueAttributes(name: string) {
    const sqs = new SQSClient(client);
    const QueueUrl = `${emulator.endpoint}/123456789012/${name}`;
    return (
      (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }))).Attributes ?? {}
    );
  }

  it("gives a prompt six times the function's timeout before it is delivered again", async () => {
    expect(await queueAttributes(QUEUE)).toMatchObject({
      VisibilityTimeout: "720",
      MessageRetentionPeriod: "864000",
      SqsManagedSseEnabled: "true",
    });
  });

  it("moves a prompt to the dead-letter queue after ten receives, and keeps it there for two weeks", async () => {
    const { RedrivePolicy } = await queueAttributes(QUEUE);
    const dead = await queueAttributes(`${QUEUE}-dlq`);
    expect(JSON.parse(RedrivePolicy ?? "")).toEqual({
      deadLetterTargetArn: dead.QueueArn,
      maxReceiveCount: 10,
    });
    expect(dead.MessageRetentionPeriod).toBe("1209600");
    expect(
      JSON.parse(Object.entries(dead).find(([name]) => name === "RedriveAllowPolicy")?.[1] ?? ""),
    ).toEqual({
      redrivePermission: "byQueue",
      sourceQueueArns: [(await queueAttributes(QUEUE)).QueueArn],
    });
  });

  it.each([QUEUE, `${QUEUE}-dlq`])("lets nobody use %s without TLS", async (name) => {
    const { Policy, QueueArn } = await queueAttributes(name);
    expect(JSON.parse(Policy ?? "").Statement).toEqual([
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "sqs:*",
        Resource: QueueArn,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
  });

  it("keeps pictures private, encrypted and versioned", async () => {
    const Bucket = IMAGE_BUCKET;
    const block = await s3().send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(block.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    const encryption = await s3().send(new GetBucketEncryptionCommand({ Bucket }));
    expect(
      encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault
        ?.SSEAlgorithm,
    ).toBe("AES256");
    expect((await s3().send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
    const ownership = await s3().send(new GetBucketOwnershipControlsCommand({ Bucket }));
    expect(ownership.OwnershipControls?.Rules?.[0]?.ObjectOwnership).toBe("BucketOwnerEnforced");
    expect((await s3().send(new GetBucketPolicyCommand({ Bucket }))).Policy).toContain("aws:SecureTransport");
    const lifecycle = await s3().send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    expect(lifecycle.Rules?.[0]?.NoncurrentVersionExpiration?.NoncurrentDays).toBe(30);
  });

  it("runs the code that was bundled, with the settings of the environment", async () => {
    const configuration = await new LambdaClient(client).send(
      new GetFunctionConfigurationCommand({ FunctionName: FUNCTION }),
    );
    const zip = readFileSync(join(project.folder, ".build", "functions-consumer-index.zip"));
    expect(configuration).toMatchObject({
      CodeSha256: createHash("sha256").update(zip).digest("base64"),
      Runtime: "nodejs22.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
      MemorySize: 256,
      Timeout: 120,
      TracingConfig: { Mode: "Active" },
      LoggingConfig: { LogFormat: "JSON", LogGroup: `/aws/lambda/${FUNCTION}` },
    });
    expect(configuration.Environment?.Variables).toMatchObject({ IMAGE_BUCKET, KEY_PREFIX: "" });
  });

  it("feeds the function from the queue and lets it answer for each message", async () => {
    const { EventSourceMappings } = await new LambdaClient(client).send(
      new ListEventSourceMappingsCommand({ FunctionName: FUNCTION }),
    );
    expect(EventSourceMappings).toEqual([
      expect.objectContaining({
        EventSourceArn: (await queueAttributes(QUEUE)).QueueArn,
        BatchSize: 1,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ScalingConfig: { MaximumConcurrency: 8 },
        State: "Enabled",
      }),
    ]);
  });

  it("keeps every log for two weeks", async () => {
    const { logGroups } = await new CloudWatchLogsClient(client).send(new DescribeLogGroupsCommand({}));
    expect(logGroups?.map(({ logGroupName }) => logGroupName)).toContain(`/aws/lambda/${FUNCTION}`);
    expect(logGroups?.filter(({ retentionInDays }) => retentionInDays !== 14)).toEqual([]);
  });

  it("gives the function a role that only Lambda may take, and only this queue and bucket", async () => {
    const iam = new IAMClient(client);
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: FUNCTION }));
    expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")).Statement).toEqual([
      { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
    ]);
    const { PolicyDocument } = await iam.send(
      new GetRolePolicyCommand({ RoleName: FUNCTION, PolicyName: FUNCTION }),
    );
    const { Statement } = JSON.parse(decodeURIComponent(PolicyDocument ?? ""));
    const resources = Statement.flatMap(({ Resource }: { Resource: string | string[] }) => Resource);
    expect(resources.filter((arn: string) => arn.includes(":sqs:") || arn.includes(":s3:")).sort()).toEqual([
      `arn:aws:s3:::${IMAGE_BUCKET}`,
      `arn:aws:s3:::${IMAGE_BUCKET}/images/*`,
      `arn:aws:s3:::${IMAGE_BUCKET}/index/*`,
      `arn:aws:s3:::${IMAGE_BUCKET}/requests/*`,
      `arn:aws:sqs:eu-west-1:123456789012:${QUEUE}`,
    ]);
  });

  testMonitoring(() => ({ project, client }));

  it("plans no change after that", async () => {
    await succeed("plan");
    expect(project.read("cdktf.out/plan.md")).toMatch(/^### Plan for dev: no change\n/);
  });

  it.skipIf(!existsSync("ops/twin/node_modules"))(
    "plans no change with the next engine, as docs/moving-on.md says",
    async () => {
      const { code, output } = await project.npm("plan", { env: { PLATFORM: "cdktn-5" } });
      expect(code, output).toBe(0);
      expect(project.read("cdktf.out/stacks/pipeline/cdk.tf.json")).toContain('"source": "hashicorp/aws"');
      expect(project.read("cdktf.out/plan.md")).toMatch(/^### Plan for dev: no change\n/);
    },
  );

  it("finds no drift after that, and closes the issue on what was", async () => {
    const issue = { number: 1, title: "Nightly check of dev", body: "- something" };
    const { output, github } = await checkNightly({ comments: {}, issues: [issue] });
    const all = "dev has no drift, and nothing that it needs ends within 90 days.";
    expect(output).toContain(all);
    expect(github.state.issues).toEqual([{ ...issue, closed: all }]);
  });

  it("leaves the issue open and fails while AWS does not say whether it serves the models", async () => {
    const issue = { number: 1, title: "Nightly check of dev", body: "- something" };
    const unreachable = { AWS_ENDPOINT_URL_BEDROCK: "http://127.0.0.1:1" };
    const { code, github } = await checkNightly({ comments: {}, issues: [issue] }, unreachable);
    expect(code).toBe(1);
    const lines = github.state.issues[0]?.body.trim().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines ?? []) expect(line).toMatch(/^- Cannot read the lifecycle of `stability\./);
    expect(github.state.issues[0]).not.toHaveProperty("closed");
  });

  it("plans exactly one change for one changed setting", async () => {
    project.edit("config/environments/dev.ts", "memoryMb: 256", "memoryMb: 512");
    await succeed("plan");
    project.edit("config/environments/dev.ts", "memoryMb: 512", "memoryMb: 256");
    const report = project.read("cdktf.out/plan.md");
    expect(report).toContain("### Plan for dev: 1 changed\n");
    expect(report).toMatch(/\| update \| `aws_lambda_function\.\w+` \| [^|]*memory_size[^|]* \|/);
  });

  it("applies nothing of a plan that is stale by the time somebody agrees to it", async () => {
    project.edit("config/environments/dev.ts", "memoryMb: 256", "memoryMb: 512");
    const deploy = project.start("deploy", { terminal: true });
    await deploy.type("", QUESTION);
    const addresses = (await terraform("state", "list")).split("\n");
    const dashboard = addresses.find((address) => address.startsWith("aws_cloudwatch_dashboard.")) ?? "";
    await terraform("taint", dashboard);
    await terraform("untaint", dashboard);
    await deploy.type("apply\r", QUESTION);
    const { code, output } = await deploy.outcome;
    expect(code, output).toBe(1);
    expect(output.trim().split("\n").at(-1)).toBe(
      "The state has changed since the plan was made. To make a new plan, type: npm run deploy",
    );
    expect(await memoryOfConsumer()).toBe(256);
  });

  it("plans and deploys with cdktf typed by hand", async () => {
    const planned = await project.cdktf("plan", "pipeline");
    expect(planned.code, planned.output).toBe(0);
    expect(planned.output).toContain(" 0 to add, 1 to change, 0 to destroy.");
    const deployed = await project.cdktf("deploy", "pipeline", "--auto-approve");
    expect(deployed.code, deployed.output).toBe(0);
    expect(await memoryOfConsumer()).toBe(512);
    project.edit("config/environments/dev.ts", "memoryMb: 512", "memoryMb: 256");
    await succeed("deploy", "--yes");
    expect(await memoryOfConsumer()).toBe(256);
  }, 600_000);

  async function memoryOfConsumer() {
    const command = new GetFunctionConfigurationCommand({ FunctionName: FUNCTION });
    return (await new LambdaClient(client).send(command)).MemorySize;
  }

  async function terraform(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(
      terraformBinary,
      ["-chdir=cdktf.out/stacks/pipeline", ...args],
      { cwd: project.folder, env: project.environment(rootCredentials) },
    );
    return stdout.trim();
  }

  it("tells what somebody has changed or deleted by hand from what waits for a deploy, in an issue", async () => {
    await s3().send(new DeletePublicAccessBlockCommand({ Bucket: IMAGE_BUCKET }));
    const QueueUrl = `${emulator.endpoint}/123456789012/${QUEUE}`;
    const Attributes = { MessageRetentionPeriod: "3600" };
    await new SQSClient(client).send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    project.edit("config/environments/dev.ts", "memoryMb: 256", "memoryMb: 512");
    const { github } = await checkNightly();
    project.edit("config/environments/dev.ts", "memoryMb: 512", "memoryMb: 256");
    expect(github.state.issues.map(({ title }) => title)).toEqual(["Nightly check of dev"]);
    const findings = github.state.issues[0]?.body.trim().split("\n").sort();
    expect(findings).toEqual([
      expect.stringMatching(/^- `aws_lambda_function\.\S+` waits for a deploy \(update: .*memory_size.*\)\./),
      expect.stringMatching(
        /^- `aws_s3_bucket_public_access_block\.\S+` was deleted outside of Terraform\. To keep/,
      ),
      expect.stringMatching(
        /^- `aws_sqs_queue\.\S+` was changed outside of Terraform \(message_retention_seconds\)\. To keep/,
      ),
    ]);
  });

  it("puts it back with the next deploy", async () => {
    await succeed("deploy", "--yes");
    const block = await s3().send(new GetPublicAccessBlockCommand({ Bucket: IMAGE_BUCKET }));
    expect(block.PublicAccessBlockConfiguration?.BlockPublicAcls).toBe(true);
  });

  it("says that the canary is painted when its record says so", async () => {
    const canary = project.start("canary");
    const painter = paintFirstPrompt();
    const { code, output } = await canary.outcome;
    await painter;
    expect(code, output).toBe(0);
    expect(output).toContain("The canary was painted");
  });

  /** Does what the function does, which the emulator cannot run. */
  async function paintFirstPrompt() {
    const sqs = new SQSClient(client);
    for (;;) {
      const { Messages } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: `${emulator.endpoint}/123456789012/${QUEUE}`,
          WaitTimeSeconds: 5,
        }),
      );
      const [message] = Messages ?? [];
      if (message === undefined) continue;
      const { requestId } = JSON.parse(message.Body ?? "");
      await s3().send(
        new PutObjectCommand({
          Bucket: IMAGE_BUCKET,
          Key: `requests/${requestId}.json`,
          Body: JSON.stringify({ requestId, status: "succeeded" }),
        }),
      );
      return;
    }
  }

  it("says in one line when the canary is not painted in time", async () => {
    const { code, output } = await project.npm("canary", { env: { CANARY_SECONDS: "1" } });
    expect(code).toBe(1);
    expect(output.trim().split("\n").at(-1)).toMatch(
      /^The canary canary-\d+ was not painted within 1 s\. Type: aws logs tail .*$/,
    );
  });

  it("refuses a second apply during an apply, names the lock, and recovers from a killed apply as the docs say", async () => {
    git("init", "--quiet");
    commit("What is deployed");
    project.edit("config/environments/dev.ts", "receiveLimit: 10", "receiveLimit: 11");
    commit("A bad change");
    const first = project.start("deploy", { args: ["--yes"] });
    const lock = await untilLockOf("Apply");
    // It hangs, for as long as the second needs.
    kill(first, "SIGSTOP");

    const second = await new Project(emulator.endpoint).npm("deploy", { args: ["--yes"] });
    expect(second.code).toBe(1);
    expect(second.output.trim().split("\n").at(-1)).toMatch(
      new RegExp(
        `^State locked: ${STATE_BUCKET}/dev/pipeline.tfstate, by \\S+ \\(OperationTypeApply\\) since .* type: npm run unlock -- ${lock}$`,
      ),
    );

    kill(first, "SIGKILL");
    await first.outcome;
    await succeed("unlock", lock);
    await succeed("deploy", "--yes");
    const { RedrivePolicy } = await queueAttributes(QUEUE);
    expect(JSON.parse(RedrivePolicy ?? "").maxReceiveCount).toBe(11);
  });

  it("goes back to what was deployed before, when the commit is reverted and deployed", async () => {
    git("revert", "--no-edit", "HEAD");
    await succeed("deploy", "--yes");
    const { RedrivePolicy } = await queueAttributes(QUEUE);
    expect(JSON.parse(RedrivePolicy ?? "").maxReceiveCount).toBe(10);
  });

  /** Sends a signal to a command and to all that it has started, as a machine that goes away does. */
  function kill({ process: { pid } }: Running, signal: NodeJS.Signals): void {
    const family = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number));
    const all = new Set([pid]);
    // Set iteration reaches what is added on the way.
    for (const parent of all) for (const [child, of] of family) if (of === parent) all.add(child);
    for (const each of all) if (each !== undefined) process.kill(each, signal);
  }

  function git(...args: string[]): void {
    const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    execFileSync("git", [...identity, ...args], { cwd: project.folder, stdio: "ignore" });
  }

  function commit(message: string): void {
    git("add", "config");
    git("commit", "--quiet", "--message", message);
  }

  /** Waits until an operation of Terraform holds the lock of the state. Returns the lock's id. */
  async function untilLockOf(operation: string): Promise<string> {
    for (;;) {
      const found = await s3()
        .send(new GetObjectCommand({ Bucket: STATE_BUCKET, Key: "dev/pipeline.tfstate.tflock" }))
        .then(({ Body }) => Body?.transformToString())
        .catch(() => undefined);
      const lock = found === undefined ? undefined : JSON.parse(found);
      if (lock?.Operation === `OperationType${operation}`) return lock.ID;
      await setTimeout(200);
    }
  }

  it("plans another environment from the same checkout", async () => {
    const { code, output } = await project.npm("plan", { env: { ENVIRONMENT: "prod" } });
    expect(code, output).toBe(0);
    expect(output).toMatch(/### Plan for prod: \d+ created\n/);
  });

  it("refuses to destroy by the state of another environment", async () => {
    project.edit("config/environments/dev.ts", 'suffix: "dev"', 'suffix: "staging"');
    const { code, output } = await project.npm("destroy", { args: ["--yes"] });
    project.edit("config/environments/dev.ts", 'suffix: "staging"', 'suffix: "dev"');
    expect(code).toBe(1);
    expect(output.trim().split("\n").at(-1)).toMatch(
      /^the settings are for staging, but their state belongs to dev\. Give each environment its own state\.key/,
    );
    expect(await queueAttributes(QUEUE)).toHaveProperty("QueueArn");
  });

  it("refuses to destroy production", async () => {
    const { code, output } = await project.npm("destroy", { args: ["--yes"], env: { ENVIRONMENT: "prod" } });
    expect(code).toBe(1);
    expect(output.trim()).toMatch(/^prod is production, which no command destroys\./);
  });

  it("destroys everything but the state bucket, pictures included", async () => {
    await succeed("destroy", "--yes");
    expect((await s3().send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toEqual([
      STATE_BUCKET,
    ]);
    expect((await new SQSClient(client).send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([]);
    expect((await new LambdaClient(client).send(new ListFunctionsCommand({}))).Functions).toEqual([]);
    expect((await new CloudWatchLogsClient(client).send(new DescribeLogGroupsCommand({}))).logGroups).toEqual(
      [],
    );
    expect((await new IAMClient(client).send(new ListRolesCommand({}))).Roles).toEqual([]);
  });
});
