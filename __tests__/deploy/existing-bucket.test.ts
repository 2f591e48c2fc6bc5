import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { GetFunctionConfigurationCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { prepareAccount } from "./support/account.ts";
import { type Emulator, startEmulator } from "./support/emulator.ts";
import { CTRL_C, Project, rootCredentials } from "./support/project.ts";

const BUCKET = "somebodys-pictures";
const PICTURE = { Bucket: BUCKET, Key: "couch/images/1.png" };

describe.skipIf(inject("missing") !== "")("an environment with a bucket that was there before", () => {
  let emulator: Emulator;
  let project: Project;
  let client: { endpoint: string; region: string; credentials: typeof rootCredentials };

  beforeAll(async () => {
    emulator = await startEmulator();
    client = { endpoint: emulator.endpoint, region: "eu-west-1", credentials: rootCredentials };
    project = new Project(emulator.endpoint);
    project.edit(
      "config/environments/dev.ts",
      '{ kind: "new", name: "couch-explorers-images-dev" }',
      `{ kind: "existing", name: "${BUCKET}", keyPrefix: "couch/" }`,
    );
    project.edit(
      "config/environments/dev.ts",
      "  api: {",
      '  webhooks: [{ name: "app", url: "https://app.example/events" }],\n  api: {',
    );
    await prepareAccount(emulator.endpoint);
  });
  afterAll(() => emulator.stop());

  it("fails its plan while the bucket is not there", async () => {
    const { code, output } = await project.npm("plan");
    expect(code).toBe(1);
    expect(output.trim().split("\n").at(-1)).toBe(
      `The bucket ${BUCKET} does not exist, or belongs to another account. Type: aws s3api head-bucket --bucket ${BUCKET}`,
    );
  });

  async function terraform(command: string): Promise<string> {
    const [program = "", ...args] = command.split(" ");
    const { stdout } = await promisify(execFile)(process.env.TERRAFORM_BINARY_NAME ?? program, args, {
      cwd: project.folder,
      env: project.environment(rootCredentials),
    });
    return stdout;
  }

  it("stops its first apply at Ctrl-C, frees the lock, and names the commands that keep what is half-made", async () => {
    await new S3Client(client).send(new CreateBucketCommand({ Bucket: BUCKET }));
    const first = project.start("deploy", { args: ["--yes"], terminal: true });
    await first.type(CTRL_C, /aws_sqs_queue\S+ .*Still creating/);
    const stopped = await first.outcome;
    expect(stopped.code).toBe(1);
    expect(stopped.output.trim().split("\n").at(-1)).toMatch(
      /^Interrupted\. Terraform has stopped, .* released the lock\. .* Type: ENVIRONMENT=dev npm run deploy$/,
    );
    const { code, output } = await project.npm("deploy", { args: ["--yes"] });
    expect(code).toBe(1);
    const advice = output.matchAll(/^aws_sqs_queue\S+ would be .* To keep it, type: (terraform .*?)\. /gm);
    const commands = [...advice].map(([, command]) => String(command));
    expect(commands).not.toEqual([]);
    for (const command of commands) await terraform(command);
  });

  it("then paints into the bucket, under the prefix, and leaves its configuration alone", async () => {
    const s3 = new S3Client(client);
    await s3.send(new PutObjectCommand({ ...PICTURE, Body: "a picture" }));
    const { code, output } = await project.npm("deploy", { args: ["--yes"] });
    expect(code, output).toBe(0);
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).Status).toBeUndefined();
    const { Environment: environment } = await new LambdaClient(client).send(
      new GetFunctionConfigurationCommand({ FunctionName: "image-processor-dev" }),
    );
    expect(environment?.Variables).toMatchObject({ IMAGE_BUCKET: BUCKET, KEY_PREFIX: "couch/" });
  });

  it("gets back into the state what an interrupted apply made, by the command that the next deploy names", async () => {
    const inStack = "terraform -chdir=cdktf.out/stacks/pipeline";
    const logs = (await terraform(`${inStack} state list`))
      .split("\n")
      .find((name) => name.includes("consumer_logs"));
    await terraform(`${inStack} state rm ${logs}`);
    const { code, output } = await project.npm("deploy", { args: ["--yes"] });
    expect(code).toBe(1);
    const [, command] = / Type: (terraform .*) <its name, or its ARN>$/.exec(output.trim()) ?? [];
    expect(command).toBe(`${inStack} import ${logs}`);
    await terraform(`${command} /aws/lambda/image-processor-dev`);
    expect((await project.npm("plan")).output).toContain("### Plan for dev: no change");
  });

  it("leaves the bucket and its pictures when it is destroyed", async () => {
    const { code, output } = await project.npm("destroy", { args: ["--yes"] });
    expect(code, output).toBe(0);
    expect((await new S3Client(client).send(new HeadObjectCommand(PICTURE))).ContentLength).toBe(9);
  });
});
