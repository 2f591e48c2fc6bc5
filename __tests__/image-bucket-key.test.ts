import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { boundaryPermissions } from "../constructs/function-boundary.ts";
import { policyJson } from "../constructs/policy.ts";
import { checkKey } from "../ops/preflight.ts";
import { grantsOf } from "./support/iam.ts";
import { serveAs } from "./support/serve-as.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const existing = (kmsKeyArn?: string) =>
  settingsWith({
    imageBucket: {
      kind: "existing",
      name: "the-teams-bucket",
      keyPrefix: "",
      ...(kmsKeyArn && { kmsKeyArn }),
    },
  });

describe("an image bucket that encrypts with a key", () => {
  const policies = Object.values(synthesise(existing(KEY)).resources("aws_iam_role_policy")).map(
    ({ policy }) => String(policy),
  );

  it("lets both functions that read and write use exactly that key, through S3 only", () => {
    const grants = policies.flatMap(grantsOf).filter(({ action }) => action.startsWith("kms:"));
    const condition = { StringEquals: { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } };
    const both = ["kms:Decrypt", "kms:GenerateDataKey"].map((action) => ({
      action,
      resource: KEY,
      condition,
    }));
    expect(grants).toEqual([...both, ...both]);
  });

  it("is one that the boundary lets them use", () => {
    const boundary = grantsOf(policyJson(boundaryPermissions(existing(KEY), "123456789012")));
    expect(boundary.filter(({ resource }) => resource === KEY).map(({ action }) => action)).toEqual([
      "kms:Decrypt",
      "kms:GenerateDataKey",
    ]);
  });
});

describe("preflight", () => {
  let rule = "";
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/xml");
    response.end(
      `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>${rule}</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`,
    );
  });
  let stop: () => Promise<void>;
  beforeAll(async () => {
    stop = await serveAs("S3", server);
  });
  afterAll(() => stop());
  const kms = (id: string) => `<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${id}</KMSMasterKeyID>`;
  const ask = (given: string, kmsKeyArn?: string) => {
    rule = given;
    return checkKey(existing(kmsKeyArn));
  };

  it("names a key of the bucket that the settings do not, and what to put there", async () => {
    await expect(ask(kms(KEY))).rejects.toThrow(
      `The bucket the-teams-bucket encrypts with the key ${KEY}, but imageBucket.kmsKeyArn in config/environments is missing`,
    );
    await expect(ask(kms(KEY), KEY.replace("1234abcd", "9999abcd"))).rejects.toThrow("names another");
  });

  it.each([
    ["the key's ARN", kms(KEY), KEY],
    ["the key's id", kms("1234abcd-12ab-34cd-56ef-1234567890ab"), KEY],
    ["no key", "<SSEAlgorithm>AES256</SSEAlgorithm>", undefined],
    ["the key of AWS", "<SSEAlgorithm>aws:kms</SSEAlgorithm>", undefined],
  ])("accepts a bucket that has %s", async (_, given, named) => {
    const warn = vi.spyOn(console, "warn");
    await ask(given, named);
    expect(warn).not.toHaveBeenCalled();
  });
});
