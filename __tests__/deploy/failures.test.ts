import { once } from "node:events";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
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
    await s3.send(
      new CreateBucketCommand({
        Bucket: "couch-explorers-state",
        CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
      }),
    );
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

  /** A program that answers as Terraform does. */
  function fakeTerraform(answer: string): string {
    const file = join(mkdtempSync(join(tmpdir(), "couch-fake-")), "terraform");
    writeFileSync(file, `#!/bin/sh\necho '${answer}'\n`);
    chmodSync(file, 0o755);
    return file;
  }

  it("for no credentials", async () => {
    const env = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "", HOME: tmpdir() };
    expect(await complaint({ env })).toBe(
      "No AWS credentials. Type: aws configure sso, then aws sso login, then export AWS_PROFILE=<the profile>",
    );
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
      "Wrong region: the state bucket a-state-in-the-us is in us-east-1, state.region says eu-west-1. Put that right in config/environments, then type: npm run plan",
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
      "The state bucket couch-explorers-state is not ours: account 123456789012 may not read it. Choose another name for state.bucket in config/environments, then type: npm run bootstrap",
    );
  });

  it("for an environment that is not there", async () => {
    expect(await complaint({ env: { ENVIRONMENT: "staging" } })).toMatch(
      /^There is no environment "staging": .* Fix: set ENVIRONMENT to one of dev, prod, or write that file\.$/,
    );
  });

  it("for Terraform that is missing", async () => {
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: "/nowhere/terraform" } })).toBe(
      "Terraform is missing. Install 1.11 or newer, then type: terraform version",
    );
  });

  it("for Terraform that is too old", async () => {
    const old = fakeTerraform('{"terraform_version":"1.9.8"}');
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: old } })).toBe(
      "Terraform 1.9.8 is too old: 1.11 or newer is needed, for locks in S3. Install it, then type: terraform version",
    );
  });

  it("for a canary where nothing is deployed", async () => {
    const terraform = fakeTerraform('{"terraform_version":"1.11.4"}');
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: terraform } }, "canary")).toBe(
      "dev is not deployed: its state names no queue and no bucket. Type: ENVIRONMENT=dev npm run deploy",
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
    const terraform = fakeTerraform(JSON.stringify({ terraform_version: "1.11.4", ...outputs }));
    expect(await complaint({ env: { TERRAFORM_BINARY_NAME: terraform } }, "canary")).toBe(
      "AWS answers NoSuchBucket: The specified bucket does not exist",
    );
  });

  it("for a provider that is not to be had", async () => {
    const folder = mkdtempSync(join(tmpdir(), "couch-mirror-"));
    const config = join(folder, "config.tfrc");
    writeFileSync(config, `provider_installation {\n  filesystem_mirror { path = "${folder}" }\n}\n`);
    expect(await complaint({ env: { TF_CLI_CONFIG_FILE: config } })).toMatch(
      /^The AWS provider cannot be had: .* type: export TF_CLI_CONFIG_FILE=<file>$/,
    );
  });
});
