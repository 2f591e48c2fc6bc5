import { readdirSync } from "node:fs";
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
} from "@aws-sdk/client-kms";
import {
  GetBucketEncryptionCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { alarmArns } from "../../config/names.ts";
import { Github } from "../support/github.ts";
import { type Emulator, startEmulator } from "./support/emulator.ts";
import { CTRL_C, CTRL_D, Project, rootCredentials } from "./support/project.ts";

const STATE_BUCKET = "couch-explorers-state";

// The tests of this file are the steps of one bootstrap, in their order.
describe.skipIf(inject("missing") !== "")("the bootstrap of an empty account", () => {
  let emulator: Emulator;
  let project: Project;

  beforeAll(async () => {
    emulator = await startEmulator();
    project = new Project(emulator.endpoint);
  });
  afterAll(() => emulator.stop());

  const s3 = () =>
    new S3Client({ endpoint: emulator.endpoint, region: "eu-west-1", credentials: rootCredentials });

  it("refuses to plan before the bootstrap, and says what to type", async () => {
    const { code, output } = await project.npm("plan");
    expect(code).toBe(1);
    expect(output.trim()).toBe(
      `There is no state bucket ${STATE_BUCKET} in account 123456789012. Type: npm run bootstrap`,
    );
  });

  it("asks before the bootstrap, and changes nothing when nobody answers", async () => {
    const { code, output } = await project.npm("bootstrap");
    expect(code).toBe(1);
    expect(output).toContain("To continue without a question, add: -- --yes");
    expect((await s3().send(new ListBucketsCommand({}))).Buckets).toEqual([]);
  });

  it.each([
    ["Ctrl-C", CTRL_C],
    ["Ctrl-D", CTRL_D],
    ["another word", "no\r"],
  ])("stops at %s, and changes nothing", async (_, keys) => {
    const bootstrap = project.start("bootstrap", { terminal: true });
    await bootstrap.type(keys, /Continue in account 123456789012\? Type 123456789012 to continue: /);
    const { code, output } = await bootstrap.outcome;
    expect(code).toBe(1);
    expect(output).toMatch(/\nStopped\. Nothing was changed\.\s*$/);
    expect(output).not.toContain("Error");
    expect((await s3().send(new ListBucketsCommand({}))).Buckets).toEqual([]);
  });

  it("refuses to trust a repository that GitHub names otherwise, and changes nothing", async () => {
    const path = "repos/couch-explorers/couch-explorers";
    const github = new Github({
      comments: {},
      issues: [],
      api: {
        [path]: { full_name: "couch-explorers/couch-explorers", id: 22, owner: { id: 11 } },
        [`${path}/actions/oidc/customization/sub`]: { use_default: true, use_immutable_subject: true },
      },
    });
    const { code, output } = await project.npm("bootstrap", { args: ["--yes"], env: github.env });
    expect(code).toBe(1);
    expect(output.trim()).toBe(
      'config/environments does not name couch-explorers/couch-explorers as GitHub\'s tokens do, so no workflow could assume its role. Write github: { repository: "couch-explorers/couch-explorers", ownerId: 11, repositoryId: 22 } there, then type: npm run bootstrap',
    );
    expect((await s3().send(new ListBucketsCommand({}))).Buckets).toEqual([]);
  });

  it("bootstraps with one command and moves the state into its own bucket", async () => {
    const { code, output } = await project.npm("bootstrap", { args: ["--yes"] });
    expect(code, output).toBe(0);
    const head = await s3().send(new HeadObjectCommand({ Bucket: STATE_BUCKET, Key: "bootstrap.tfstate" }));
    expect(head.ContentLength).toBeGreaterThan(0);
    expect(readdirSync(project.folder).filter((name) => name.startsWith("terraform.tfstate"))).toEqual([]);
  });

  it("keeps the state versioned, encrypted and for TLS only", async () => {
    const Bucket = STATE_BUCKET;
    expect((await s3().send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
    const { ServerSideEncryptionConfiguration: encryption } = await s3().send(
      new GetBucketEncryptionCommand({ Bucket }),
    );
    expect(encryption?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm).toBe("AES256");
    const { Policy } = await s3().send(new GetBucketPolicyCommand({ Bucket }));
    expect(Policy).toContain('"aws:SecureTransport":"false"');
  });

  it("makes a key for the notifications of each environment that rotates and that its alarms alone may use", async () => {
    const kms = new KMSClient({
      endpoint: emulator.endpoint,
      region: "eu-west-1",
      credentials: rootCredentials,
    });
    for (const suffix of ["dev", "prod"]) {
      const alias = new DescribeKeyCommand({ KeyId: `alias/couch-explorers-${suffix}` });
      const { KeyId } = (await kms.send(alias)).KeyMetadata ?? {};
      expect((await kms.send(new GetKeyRotationStatusCommand({ KeyId }))).KeyRotationEnabled).toBe(true);
      const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: "default" }));
      expect(JSON.parse(Policy ?? "").Statement[1].Condition.ArnEquals["aws:SourceArn"]).toEqual(
        alarmArns({ suffix, region: "eu-west-1" }, "123456789012"),
      );
    }
  });

  it("bootstraps a second time without a change", async () => {
    const { code, output } = await project.npm("bootstrap", { args: ["--yes"] });
    expect(code, output).toBe(0);
    expect(output).toContain("0 added, 0 changed, 0 destroyed");
  });
});
