import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_PROMPT_LENGTH } from "../functions/domain/request-limits.ts";
import { QuietPipeline, runClient, startScriptedAws, temporaryFolder } from "./support/client.ts";

let pipeline: QuietPipeline;
beforeAll(async () => {
  pipeline = await QuietPipeline.start();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

const QUEUE_URL = "http://127.0.0.1:4566/000000000000/prompts";
const credentials = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };

function fileOf(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), "prompts.txt");
  writeFileSync(path, content);
  return path;
}

describe("the environment", () => {
  it.each([
    [
      "no queue",
      {},
      /^SQS_QUEUE_URL is not set\. Set it to the pipeline's output sqs_queue_url: https:\S+\n$/,
    ],
    [
      "no URL",
      { SQS_QUEUE_URL: "prompts" },
      /^SQS_QUEUE_URL is not the URL of a queue: prompts\. One looks like \S+\n$/,
    ],
    [
      "the URL of something else",
      { SQS_QUEUE_URL: "https://example.com/" },
      /^SQS_QUEUE_URL is not the URL of a queue: https:\/\/example\.com\/\. One looks like \S+\n$/,
    ],
    [
      "an endpoint without a scheme",
      { SQS_QUEUE_URL: QUEUE_URL, AWS_ENDPOINT_URL: "127.0.0.1:4566" },
      /^AWS_ENDPOINT_URL is not a URL: 127\.0\.0\.1:4566\. One looks like http:\/\/127\.0\.0\.1:4566\.\n$/,
    ],
    [
      "an endpoint of a service that is garbage",
      { SQS_QUEUE_URL: QUEUE_URL, AWS_ENDPOINT_URL_S3: "localhost:4566" },
      /^AWS_ENDPOINT_URL_S3 is not a URL: localhost:4566\. One looks like \S+\n$/,
    ],
    [
      "a region that is none",
      { SQS_QUEUE_URL: QUEUE_URL, AWS_REGION: "gar/bage" },
      /^AWS_REGION is not a region: gar\/bage\. One looks like eu-west-1\.\n$/,
    ],
  ])("is wrong use with %s", async (_what, env, stderr) => {
    expect(await runClient(["x"], { env: { ...credentials, ...env } })).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(stderr),
    });
  });

  it("may hold empty variables, which count as unset", async () => {
    const env = { AWS_ENDPOINT_URL: "", AWS_ENDPOINT_URL_SQS: "", AWS_REGION: "", AWS_DEFAULT_REGION: "" };
    const { code, stdout, stderr } = await pipeline.run(["dlq", "list"], { env });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "0 dead letters.\n" });
  });

  it("is told to have no credentials", async () => {
    const env = {
      SQS_QUEUE_URL: pipeline.queueUrl,
      AWS_EC2_METADATA_DISABLED: "true",
      HOME: temporaryFolder(),
    };
    expect(await runClient(["x"], { env })).toEqual({
      code: 1,
      stdout: "",
      stderr: "No AWS credentials found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.\n",
    });
  });

  /** A home with a profile `team`, whose session is over, and a profile `robot`, which asks for a second factor. */
  function homeWithProfiles(): string {
    const home = temporaryFolder();
    mkdirSync(join(home, ".aws", "sso", "cache"), { recursive: true });
    const profiles = [
      "[profile team]",
      "sso_session = corp",
      "sso_account_id = 123456789012",
      "sso_role_name = painter",
      "[profile robot]",
      "role_arn = arn:aws:iam::123456789012:role/painter",
      "mfa_serial = arn:aws:iam::123456789012:mfa/robot",
      "source_profile = keys",
      "[profile keys]",
      "aws_access_key_id = local",
      "aws_secret_access_key = local",
      "[sso-session corp]",
      "sso_start_url = https://example.awsapps.com/start",
      "sso_region = eu-west-1",
    ];
    writeFileSync(join(home, ".aws", "config"), profiles.join("\n"));
    const session = createHash("sha1").update("corp").digest("hex");
    writeFileSync(
      join(home, ".aws", "sso", "cache", `${session}.json`),
      JSON.stringify({ accessToken: "token", expiresAt: "2020-01-01T00:00:00Z" }),
    );
    return home;
  }

  it.each([
    ["team", "Your AWS session is over. Sign in again: aws sso login --profile team"],
    [
      "nope",
      "There is no AWS profile nope, or it has no credentials. Check AWS_PROFILE, and what aws configure list-profiles shows.",
    ],
    [
      "robot",
      "No AWS credentials found: Profile robot requires multi-factor authentication, but no MFA code callback was provided.",
    ],
  ])("is told what is wrong with the profile %s", async (AWS_PROFILE, stderr) => {
    const env = {
      SQS_QUEUE_URL: pipeline.queueUrl,
      AWS_EC2_METADATA_DISABLED: "true",
      HOME: homeWithProfiles(),
      AWS_PROFILE,
    };
    expect(await runClient(["x"], { env })).toEqual({ code: 1, stdout: "", stderr: `${stderr}\n` });
  });

  it("is told which queue there is not", async () => {
    const SQS_QUEUE_URL = `${pipeline.queueUrl}-nope`;
    expect(await pipeline.run(["x"], { env: { SQS_QUEUE_URL } })).toEqual({
      code: 1,
      stdout: "",
      stderr: `There is no such queue: ${SQS_QUEUE_URL}. Check the account, the region and the name in SQS_QUEUE_URL.\n`,
    });
  });

  it("is told which host cannot be reached", async () => {
    const closed = createServer();
    const port = await new Promise<number>((resolve) => {
      closed.listen(0, "127.0.0.1", () => {
        const address = closed.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    await new Promise((resolve) => closed.close(resolve));
    const SQS_QUEUE_URL = `http://127.0.0.1:${port}/000000000000/prompts`;
    expect(await runClient(["list"], { env: { ...credentials, SQS_QUEUE_URL } })).toEqual({
      code: 1,
      stdout: "",
      stderr: `Cannot reach http://127.0.0.1:${port} (ECONNREFUSED). Check the network, SQS_QUEUE_URL, and AWS_ENDPOINT_URL if it is set.\n`,
    });
  });

  it("gives the region in the queue's URL, whatever AWS_REGION says", async () => {
    const SQS_QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/prompts";
    const { stdout } = await pipeline.run(["doctor"], { env: { SQS_QUEUE_URL, AWS_REGION: "us-west-1" } });
    expect(stdout).toContain(`ok    settings:  ${SQS_QUEUE_URL}  eu-central-1\n`);
  });
});

describe("a refusal of AWS", () => {
  it.each([
    [["x"], "AccessDenied", "Access denied: these credentials need the permission sqs:SendMessage."],
    [
      ["dlq", "list"],
      "AccessDeniedException",
      "Access denied: these credentials need the permission sqs:GetQueueAttributes.",
    ],
    [["list"], "AccessDenied", "Access denied: these credentials need the permission sqs:ListQueueTags."],
    [["x"], "ExpiredToken", "The AWS credentials have expired. Sign in again, or set new ones."],
    [
      ["x"],
      "InvalidClientTokenId",
      "AWS does not accept the credentials (InvalidClientTokenId). Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
    ],
  ])("on %s with %s is one line with the fix", async (args, error, stderr) => {
    await using aws = await startScriptedAws(() => ({ status: 403, body: { __type: error, message: "no" } }));
    expect(await runClient(args, { env: aws.env })).toEqual({ code: 1, stdout: "", stderr: `${stderr}\n` });
  });

  it("on a record names both permissions that reading it needs", async () => {
    await using aws = await startScriptedAws(() => ({
      status: 403,
      body: "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    }));
    const { code, stderr } = await runClient(["status", "x"], {
      env: { ...aws.env, IMAGE_BUCKET: "pictures" },
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        "Access denied: these credentials need the permission s3:GetObject, and s3:ListBucket on the bucket.\n",
    });
  });
});

describe("wrong use", () => {
  const tooLong = "x".repeat(MAX_PROMPT_LENGTH + 1);
  it.each<[string, readonly string[], RegExp]>([
    ["a prompt that is too long", [tooLong], /^Prompt 1: prompt: must have at most 10000 characters\.$/],
    ["an empty prompt", ["good", " "], /^Prompt 2: prompt: must not be empty\.$/],
    ["an unknown option", ["x", "--colour", "red"], /^unknown option '--colour'/],
    [
      "a seed that is no number",
      ["x", "--seed", "many"],
      /--seed.*Give a whole number from 0 to 4294967294\.$/,
    ],
    [
      "a ratio that no model paints",
      ["x", "--aspect-ratio", "1:3"],
      /--aspect-ratio.*Allowed choices are 16:9/,
    ],
    ["a group with a space", ["x", "--group", "a b"], /--group.*Give 1 to 128 letters/],
    ["prompts and a file", ["x", "--file", "y"], /^Give prompts or --file, not both\.$/],
    [
      "a file that is not there",
      ["--file", "/nowhere"],
      /^Cannot read \/nowhere: no such file or folder\. Name a text file with --file\.$/,
    ],
    ["a folder for a file", ["--file", "/tmp"], /^\/tmp is a folder\. Name a text file with --file\.$/],
    ["nothing to send", [], /^There is nothing to send\. Try: image-generator-client "Me on top of K2"$/],
    [
      "a request id that is none",
      ["wait", "a/b"],
      /^a\/b is not a request id: it must have 1 to 64 characters out of/,
    ],
    ["no request id", ["status"], /^missing required argument 'request-id'$/],
    [
      "an output that is a file, for several pictures",
      ["a", "b", "--wait", "--output", fileURLToPath(import.meta.url)],
      /^\S+ is a file\. For several pictures, name a folder with --output\.$/,
    ],
    [
      "an output where no folder can be made",
      ["a", "b", "--wait", "--output", "/dev/null/pictures"],
      /^Cannot make \/dev\/null\/pictures: part of the path is not a folder\. Choose another place/,
    ],
    [
      "an output below a folder that takes none",
      ["a", "b", "--wait", "--output", "/dev/fd/pictures/new"],
      /^Cannot make \/dev\/fd\/pictures\/new: .+\. Choose another place with --output\.$/,
    ],
    [
      "a mistyped command",
      ["lsit"],
      /^lsit is not a command\. Did you mean list\? To paint it, type: image-generator-client send lsit$/,
    ],
    [
      "an output that is a device",
      ["a", "--wait", "--output", "/dev/null"],
      /^\/dev\/null is neither a file nor a folder\. Name one with --output\.$/,
    ],
    [
      "an output that is a device, of a picture that was painted before",
      ["wait", "a", "--output", "/dev/null"],
      /^\/dev\/null is neither a file nor a folder\. Name one with --output\.$/,
    ],
    [
      "an output of a picture that nobody waits for",
      ["a", "--output", "x.png"],
      /^--output is for pictures that are waited for\. Add --wait\.$/,
    ],
    [
      "a time-out without a wait",
      ["a", "--timeout", "5"],
      /^--timeout is for pictures that are waited for\. Add --wait\.$/,
    ],
    ["redriving nothing", ["dlq", "redrive"], /^Name the ids to redrive, or --all\.$/],
    ["redriving one and all", ["dlq", "redrive", "x", "--all"], /^Name the ids to redrive, or --all\.$/],
    ["one prompt for all", ["dlq", "redrive", "--all", "--prompt", "x"], /^--prompt needs exactly one id\.$/],
    [
      "a rate of next to nothing",
      ["dlq", "redrive", "--all", "--rate", "0.0001"],
      /Give a number from 0\.01 to 1000\.$/,
    ],
    [
      "purging when nobody can be asked",
      ["dlq", "purge"],
      /^Nobody is there to ask\. To delete all dead letters, add --yes\.$/,
    ],
    ["an unknown dead-letter command", ["dlq", "burn"], /^unknown command 'burn'$/],
  ])("is %s: one line and exit code 2", async (_what, args, line) => {
    const { code, stdout, stderr } = await pipeline.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.trimEnd()).toMatch(line);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it.each([
    [
      "a line that is not UTF-8",
      Buffer.from("good\nFr\xfchling\n", "latin1"),
      "line 2: not UTF-8. Save the text as UTF-8, for example with iconv -t UTF-8.",
    ],
    ["half a JSON object", 'good\n{"prompt": \n', "line 2: starts with { but is not valid JSON."],
    [
      "a field that there is not",
      '{"prompt": "x", "size": 1}\n',
      "line 1: size: is not a field of a request (known: prompt, requestId, negativePrompt, aspectRatio, seed, outputFormat, expiresInSeconds).",
    ],
    ["a line that is too long", `${tooLong}\n`, "line 1: prompt: must have at most 10000 characters."],
  ])("is a file with %s: its line is named and nothing is sent", async (_what, content, problem) => {
    const file = fileOf(content);
    expect(await pipeline.run(["--file", file])).toEqual({
      code: 2,
      stdout: "",
      stderr: `${file}, ${problem}\n`,
    });
    expect(await pipeline.depth(pipeline.queueUrl)).toEqual([0, 0]);
  });

  it("is an empty file", async () => {
    const file = fileOf("");
    const { code, stderr } = await pipeline.run(["--file", file]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `${file} is empty. Write one prompt a line: plain text or JSON.\n`,
    });
  });

  it("names every wrong line of a file at once", async () => {
    const { stderr } = await pipeline.run(["--file", fileOf("[\n{]\n\n{\n{}\n")]);
    expect(stderr.match(/line \d/g)).toEqual(["line 2", "line 4", "line 5"]);
  });
});

it.each([[["--help"]], [["send", "--help"]], [["wait", "--help"]], [["dlq", "--help"]], [["--version"]]])(
  "%s goes to standard output with exit code 0",
  async (args) => {
    const { code, stdout, stderr } = await runClient(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toBe("");
  },
);

it("shows the exit codes and examples in its help", async () => {
  const { stdout } = await runClient(["--help"]);
  expect(stdout).toMatch(/0 done +1 failed +2 wrong use +3 will never be painted +4 timed out/);
  expect(stdout).toContain('$ image-generator-client "Me on top of K2"');
});
