import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { settings as dev } from "../config/environments/dev.ts";
import { startCloud } from "../local/cloud.ts";
import { paintPrompts } from "../local/command-line/paint-prompts.ts";
import { requireReachable } from "../local/command-line/real-model.ts";
import { npmStart } from "./support/npm-start.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "local-start-"));
  return () => rm(folder, { recursive: true, force: true });
});

function start(...options: string[]) {
  return startIn(process.env, ...options);
}

function startIn(env: NodeJS.ProcessEnv, ...options: string[]) {
  const started = npmStart(options, env);
  onTestFinished(() => void started.child.kill("SIGKILL"));
  return started;
}

async function run(...options: string[]) {
  const { child, output } = start(...options);
  const [code] = await once(child, "close");
  return { code, ...output };
}

/** Resolves when the text has appeared. */
async function seen(stream: Readable, text: string): Promise<void> {
  let sofar = "";
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    sofar += chunk;
    if (sofar.includes(text)) return;
  }
  throw new Error(`"${text}" never appeared, only: ${sofar}`);
}

describe("npm start", () => {
  it("paints one prompt, names the picture, and says that a stand-in painted it", async () => {
    const { code, stdout, stderr } = await run(
      "--output",
      folder,
      "Norwegian mountain landscape with sunset",
    );
    expect(code).toBe(0);
    const picture = await readFile(stdout.trim());
    expect(picture.subarray(1, 4).toString()).toBe("PNG");
    expect(picture.readUInt32BE(16)).toBe(1024);
    expect(stderr).toContain("stand-in painter");
    expect(stderr).toMatch(/Painted by stability\.\S+, seed \d+, \d+\.\d s/);
  });

  it("paints a file of plain and JSON prompts as the options and the lines say", async () => {
    const file = join(folder, "prompts.txt");
    await writeFile(
      file,
      'Me on top of K2\n\n{"prompt":"desert","aspectRatio":"1:1","outputFormat":"jpeg"}\n',
    );
    const { code, stdout } = await run("--file", file, "--output", folder, "--aspect-ratio", "16:9");
    expect(code).toBe(0);
    const pictures = stdout.trim().split("\n").sort();
    expect(pictures).toEqual([
      expect.stringMatching(/desert-[0-9a-f]{8}\.jpeg$/),
      expect.stringMatching(/me-on-top-of-k2-[0-9a-f]{8}\.png$/),
    ]);
    expect((await readFile(pictures[1] ?? "")).readUInt32BE(16)).toBe(1344);
  });

  it("paints prompts with emoji, and says what is wrong with a line that has one in broken JSON", async () => {
    const file = join(folder, "prompts.txt");
    await writeFile(file, 'Me on top of K2 🏔\n{"prompt":"desert 🏜"}\n{"prompt":"🏔\n');
    const { code, stdout, stderr } = await run("--file", file, "--output", folder);
    expect(stderr).toContain("body: starts with { but is not valid JSON");
    expect(code).toBe(3);
    expect(stdout.trim().split("\n").sort()).toEqual([
      expect.stringMatching(/desert-[0-9a-f]{8}\.png$/),
      expect.stringMatching(/me-on-top-of-k2-[0-9a-f]{8}\.png$/),
    ]);
  });

  it("exits 3 when a prompt is rejected, names the reason, and paints the others", async () => {
    const { code, stdout, stderr } = await run("--output", folder, "some forbidden-content", "the sea");
    expect(code).toBe(3);
    expect(stderr).toContain("1/2 Rejected: Filter reason: prompt");
    expect(stdout).toMatch(/the-sea-\w+\.png\n$/);
  });

  it("exits 1 when the account may not use the model", async () => {
    const { code, stdout, stderr } = await run("--denied", "--output", folder, "the sea");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^Failed: .*AccessDeniedException/m);
  });

  it("keeps what a prompt file says from steering the terminal", async () => {
    const file = join(folder, "hostile.jsonl");
    await writeFile(file, '{"prompt":"the sea","\\u001b]0;pwned\\u0007":1}');
    const { stderr } = await run("--file", file, "--output", folder);
    expect(stderr).toContain("\\u001b]0;pwned\\u0007: is not a field of a request");
    expect(stderr.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it("keeps pictures across runs, so that a request of an earlier run is not painted again", async () => {
    const file = join(folder, "prompts.jsonl");
    await writeFile(file, '{"requestId":"once","prompt":"the sea"}');
    const options = ["--file", file, "--output", folder, "--state", join(folder, "state")];
    expect(await run(...options)).toMatchObject({ code: 0 });
    expect(await run(...options, "--denied")).toMatchObject({ code: 0 });
  });

  it("serves without a prompt until it is told to stop, and leaves nothing behind", async () => {
    const { child, output } = start("--port", "0", "--api-port", "0");
    await seen(child.stdout, "aws s3 cp");
    const endpoint = /Serving on (\S+)/.exec(output.stdout)?.[1] ?? "";
    const sqs = new SQSClient({
      endpoint,
      region: "eu-west-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
    const QueueUrl = /queue +(\S+)/.exec(output.stdout)?.[1];
    const MessageBody = '{"requestId":"from-sdk","prompt":"the sea"}';
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    await seen(child.stderr, 'from-sdk "the sea" succeeded s3://');
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    await expect(fetch(endpoint)).rejects.toThrow("fetch failed");
  });

  it("brings back what was under way at Ctrl-C, and gives up what had not begun", async () => {
    // In so small an account the API has no reservation, and one execution is enough for all.
    const api = { ...dev.api, throttling: { burst: 50, ratePerSecond: 50 } };
    const { folder: stackDir } = synthesise(settingsWith({ accountConcurrency: 110, api }));
    const trouble = { latencyMs: 1000 };
    await using cloud = await startCloud({
      ...{ stackDir, trouble, port: 0, graceMs: 50_000, accountConcurrency: 1 },
    });
    const jobs = ["the sea", "the desert"].map((body) => ({ body, name: body, requestId: undefined }));
    const begun = Promise.withResolvers<void>();
    const stopped = begun.promise.then(() => Promise.all(cloud.eventSources.map((source) => source.stop())));
    const status = (text: string): void => {
      if (text.includes("painting")) begun.resolve();
    };
    const progress = { status, say: () => {}, result: () => {}, stop: () => {} };
    const outcomes = await paintPrompts(cloud, jobs, { output: folder, bedrock: "local" }, progress, stopped);
    expect(new Set(outcomes)).toEqual(new Set(["painted", "interrupted"]));
    expect(await readdir(folder)).toHaveLength(1);
  });

  it("says at once that there are no credentials for the real model, and that its host cannot be reached", async () => {
    const env = { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: "true" };
    const { child, output } = startIn(env, "--bedrock", "aws", "--output", folder, "the sea");
    const [code] = await once(child, "close");
    expect({ code, stdout: output.stdout }).toEqual({ code: 1, stdout: "" });
    expect(output.stderr.trimEnd().split("\n").at(-1)).toMatch(
      /^There are no AWS credentials for --bedrock aws\. /,
    );
    await expect(requireReachable("bedrock-runtime.invalid")).rejects.toThrow(
      /^Cannot reach bedrock-runtime\.invalid \(E\w+\)\. Check the network, or drop --bedrock aws\.$/,
    );
  });

  it("stops in the middle of a painting on Ctrl-C", async () => {
    const { child } = start("--model-latency", "60000", "--output", folder, "the sea");
    await seen(child.stderr, "painting (attempt 1)");
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(code).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("npm start, used wrongly, says in one line what to do:", () => {
  it("a taken port", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void holder.close());
    await once(holder, "listening");
    const address = holder.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, stderr } = await run("--port", String(port), "--api-port", "0");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`^synthesising dev\\nPort ${port} is taken\\. Choose another with --port <number>\\.\\n$`),
      ),
    });
  });

  it("an environment that does not exist", async () => {
    const { code, stderr } = await run("--environment", "nowhere");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^synthesising nowhere\n.*nowhere.*\n$/);
  });

  it.each([
    [
      "an output folder that is a file",
      1,
      /^Cannot write pictures to .* --output <folder>\.\n$/,
      ["--output", "package.json", "x"],
    ],
    [
      "an output folder that cannot be",
      1,
      /^Cannot write pictures to \/proc\/x \(no such file or directory\)\. .* --output <folder>\.\n$/,
      ["--output", "/proc/x", "x"],
    ],
    [
      "a prompt file that is not there",
      1,
      /^Cannot read nowhere\.txt \(no such file.*--file <path>\.\n$/,
      ["--file", "nowhere.txt"],
    ],
    [
      "a prompt file that is a folder",
      1,
      /^Cannot read docs \(.*directory.*--file <path>\.\n$/,
      ["--file", "docs"],
    ],
    [
      "a prompt file without prompts",
      1,
      /^\/dev\/null has no prompts\. Write one a line/,
      ["--file", "/dev/null"],
    ],
    ["an empty prompt", 2, /^Prompt 2 is empty\. Say what to paint/, ["x", "  "]],
    ["a seed that is no number", 2, /--seed .*0 to 4294967294\.\n$/, ["--seed", "abc", "x"]],
    ["a seed that is too large", 2, /--seed .*0 to 4294967294\.\n$/, ["--seed", "4294967295", "x"]],
    ["a fraction above 1", 2, /--throttle .*from 0 to 1\.\n$/, ["--throttle", "2", "x"]],
    ["a port that cannot be", 2, /--port .*0 to 65535\.\n$/, ["--port", "99999"]],
    [
      "an unknown aspect ratio",
      2,
      /--aspect-ratio .*Allowed choices are 16:9/,
      ["--aspect-ratio", "1:7", "x"],
    ],
    ["an unknown option", 2, /^unknown option '--frob'\n$/, ["--frob"]],
    ["trouble for the real model", 2, /drop --bedrock aws\.\n$/, ["--bedrock", "aws", "--broken", "x"]],
    [
      "a model to try without the real one",
      2,
      /^--model tries one model with one prompt: /,
      ["--model", "a.b", "x"],
    ],
    ["prompts for a server", 2, /^--watch is for serving: .*\n$/, ["--watch", "x"]],
    [
      "prompts twice",
      2,
      /^Give prompts on the command line or with --file, not both\.\n$/,
      ["--file", "x", "y"],
    ],
  ])("%s", async (_, code, message, options) => {
    const result = await run(...options);
    expect(result).toEqual({ code, stdout: "", stderr: expect.stringMatching(message) });
    expect(result.stderr.trimEnd()).not.toContain("\n");
  });
});
