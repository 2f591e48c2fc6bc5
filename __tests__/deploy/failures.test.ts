import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { prepareAccount } from "./support/account.ts";
import { type Emulator, startEmulator } from "./support/emulator.ts";
import { Project, type RunOptions, rootCredentials } from "./support/project.ts";

/** An S3 that lets nobody in. */
async function startClosedS3(): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const server = createServer((_, response) => response.writeHead(403).end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

describe.skipIf(inject("missing") !== "")("what is wrong is said in one line, with what to type next", () => {
  let emulator: Emulator;
  let project: Project;

  beforeAll(async () => {
    emulator = await startEmulator();
    const s3 = new S3Client({
      endpoint: emulator.endpoint,
      region: "us-east-1",
      credentials: rootCredentials,
    });
    await prepareAccount(emulator.endpoint);
    await s3.send(new CreateBucketCommand({ Bucket: "a-state-in-the-us" }));
  });
  beforeEach(() => {
    project = new Project(emulator.endpoint);
  });
  afterAll(() => emulator.stop());

  /** The last line of a command that fails. */
  async function complaint(options?: RunOptions, script = "plan"): Promise<string> {
    const { code, output } = await project.npm(script, options);
    expect(code, output).toBe(1);
    return output.trim().split("\n").at(-1) ?? "";
  }

  /** A program in Terraform's place. */
  function fakeTerraform(script: string): string {
    const file = join(mkdtempSync(join(tmpdir(), "couch-fake-")), "terraform");
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  it("for no credentials", async () => {
    const env = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "", HOME: tmpdir() };
    expect(await complaint({ env })).toBe(
      "No AWS credentials. Type: aws configure sso, then aws sso login, then export AWS_PROFILE=<the profile>",
    );
  });

  describe("for a profile", () => {
    const home = mkdtempSync(join(tmpdir(), "couch-home-"));
    const session = { sso_start_url: "https://couch.awsapps.com/start", sso_region: "eu-west-1" };
    beforeAll(() => {
      const config = join(home, ".aws/config");
      mkdirSync(join(home, ".aws"));
      const settings = { ...session, sso_account_id: "123456789012", sso_role_name: "Admin" };
      const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
      writeFileSync(config, ["[profile couch]", ...lines].join("\n"));
    });
    const env = (profile: string) => ({
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      HOME: home,
      AWS_PROFILE: profile,
    });

    it("that is not there", async () => {
      expect(await complaint({ env: env("couhc") })).toBe(
        "The AWS profile couhc does not exist, or has no credentials. To list the profiles, type: aws configure list-profiles. Then type: export AWS_PROFILE=<the profile>",
      );
    });

    it("whose session never began", async () => {
      expect(await complaint({ env: env("couch") })).toMatch(
        /^Your AWS session has expired\. Type: aws sso login /,
      );
    });

    it("whose session has expired", async () => {
      // https://docs.aws.amazon.com/sdkref/latest/guide/understanding-sso.html
      const cache = join(home, ".aws/sso/cache");
      mkdirSync(cache, { recursive: true });
      const file = `${createHash("sha1").update(session.sso_start_url).digest("hex")}.json`;
      writeFileSync(
        join(cache, file),
        JSON.stringify({ accessToken: "x", expiresAt: "2020-01-01T00:00:00Z" }),
      );
      expect(await complaint({ env: env("couch") })).toMatch(
        /^Your AWS session has expired\. Type: aws sso login /,
      );
    });
  });

  it("for the wrong account", async () => {
    project.edit("config/environments/dev.ts", 'suffix: "dev"', 'suffix: "dev", accountId: "210987654321"');
    expect(await complaint()).toBe(
      "Wrong account: these credentials are for 123456789012, the settings are for 210987654321. Type: export AWS_PROFILE=<a profile of 210987654321>",
    );
  });

  it("for a state bucket in another region", async () => {
    project.edit("config/environments/dev.ts", '"couch-explorers-state"', '"a-state-in-the-us"');
    expect(await complaint()).toBe(
      "Wrong region: the state bucket a-state-in-the-us is in us-east-1, state.region is eu-west-1. Correct it in config/environments, then type: npm run plan",
    );
  });

  it("for a state bucket that is not there", async () => {
    project.edit("config/environments/dev.ts", '"couch-explorers-state"', '"no-such-state"');
    expect(await complaint()).toBe(
      "There is no state bucket no-such-state in account 123456789012. Type: npm run bootstrap",
    );
  });

  it("for a state bucket of somebody else", async () => {
    // The emulator lets everybody into every bucket.
    await using theirs = await startClosedS3();
    expect(await complaint({ env: { AWS_ENDPOINT_URL_S3: theirs.endpoint } })).toBe(
      "The state bucket couch-explorers-state belongs to another account, or account 123456789012 may not read it. Choose another name for state.bucket in config/environments, then type: npm run bootstrap",
    );
  });

  it("for an environment that is not there", async () => {
    expect(await complaint({ env: { ENVIRONMENT: "staging" } })).toMatch(
      /^There is no environment "staging": .* Set ENVIRONMENT to one of dev, prod, or write that file\.$/,
    );
  });

  it("for Terraform that is missing", async () => {
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: "/nowhere/terraform" } })).toBe(
      "Terraform is missing. Install 1.11 or newer, then type: terraform version",
    );
  });

  it("for Terraform that is too old", async () => {
    const old = fakeTerraform(`echo '{"terraform_version":"1.9.8"}'`);
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: old } })).toBe(
      "Terraform 1.9.8 is too old: 1.11 or newer is needed, for locks in S3. Install it, then type: terraform version",
    );
  });

  it("for a canary where nothing is deployed", async () => {
    const terraform = fakeTerraform(`echo '{"terraform_version":"1.11.4"}'`);
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: terraform } }, "canary")).toBe(
      "dev is not deployed: its state has no queue and no bucket. Type: ENVIRONMENT=dev npm run deploy",
    );
  });

  it("for a canary whose bucket is gone", async () => {
    const sqs = new SQSClient({
      endpoint: emulator.endpoint,
      region: "eu-west-1",
      credentials: rootCredentials,
    });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "canaries" }));
    const outputs = { sqs_queue_url: { value: QueueUrl }, image_bucket: { value: "no-such-bucket" } };
    const terraform = fakeTerraform(`echo '${JSON.stringify({ terraform_version: "1.11.4", ...outputs })}'`);
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: terraform } }, "canary")).toBe(
      "The bucket no-such-bucket does not exist any more. To see what a deploy would create again, type: ENVIRONMENT=dev npm run plan",
    );
  });

  it("for a canary whose queue is gone", async () => {
    const QueueUrl = `${emulator.endpoint}/123456789012/no-such-queue`;
    const outputs = { sqs_queue_url: { value: QueueUrl }, image_bucket: { value: "a-bucket" } };
    const terraform = fakeTerraform(`echo '${JSON.stringify({ terraform_version: "1.11.4", ...outputs })}'`);
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: terraform } }, "canary")).toBe(
      `The queue ${QueueUrl} does not exist any more. To see what a deploy would create again, type: ENVIRONMENT=dev npm run plan`,
    );
  });

  it("for a command that is told to end, which tells Terraform so", async () => {
    const terraform = fakeTerraform("sleep 200 & trap 'kill $!; exit 1' TERM; touch $0.begun; wait");
    const plan = project.start("plan", { env: { TERRAFORM_BINARY_NAME: terraform } });
    await vi.waitFor(() => expect(existsSync(`${terraform}.begun`)).toBe(true), 10_000);
    plan.process.kill("SIGTERM");
    expect((await plan.outcome).output.trim()).toBe("Stopped. Nothing was changed.");
  });

  it("for a provider that cannot be downloaded", async () => {
    const folder = mkdtempSync(join(tmpdir(), "couch-mirror-"));
    const config = join(folder, "config.tfrc");
    writeFileSync(config, `provider_installation {\n  filesystem_mirror { path = "${folder}" }\n}\n`);
    expect(await complaint({ env: { TF_CLI_CONFIG_FILE: config } })).toMatch(
      /^Cannot download the AWS provider: .* type: export TF_CLI_CONFIG_FILE=<file>$/,
    );
  });
});
