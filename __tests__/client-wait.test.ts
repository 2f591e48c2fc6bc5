import { readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { settings as dev } from "../config/environments/dev.ts";
import type { FailedRecord, SucceededRecord } from "../functions/domain/record.ts";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { FORBIDDEN_WORD } from "../local/model/bedrock.ts";
import {
  clientBinary,
  type Ended,
  QuietPipeline,
  run,
  runClient,
  temporaryFolder,
} from "./support/client.ts";
import { quickPainter } from "./support/quick-painter.ts";
import { askedRecord } from "./support/sample-request.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";
import { runClientInTerminal } from "./support/terminal.ts";

describe("on the local cloud", () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud({
      stackDir: synthesise(settingsWith(dev)).folder,
      port: 0,
      trouble: { latencyMs: 0 },
      painter: quickPainter,
    });
  });
  afterAll(() => cloud.stop());

  const client = (args: readonly string[], options: Parameters<typeof runClient>[1] = {}): Promise<Ended> =>
    runClient(args, {
      env: {
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        SQS_QUEUE_URL: cloud.queueUrl,
        AWS_ENDPOINT_URL: cloud.endpoint,
      },
      ...options,
    });

  it("sends a prompt and saves its picture, with the three variables and an endpoint", async () => {
    const output = join(temporaryFolder(), "k2.png");
    const { code, stdout, stderr } = await client(["Me on top of K2", "--wait", "--output", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^([0-9a-f]{32})  [0-9a-f-]{36}\\n\\1  ${output}\\n$`));
    expect(readFileSync(output).subarray(1, 4).toString()).toBe("PNG");
  });

  it("makes the folder for several pictures, and skips blank lines of their file", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "prompts.txt");
    writeFileSync(file, "A fjord\n\nA lake\n  \n");
    const output = join(folder, "new", "pictures");
    const { code } = await client(["--file", file, "--wait", "--output", output]);
    expect(code).toBe(0);
    expect(readdirSync(output).filter((name) => name.endsWith(".png"))).toHaveLength(2);
  });

  it("fetches a picture that was painted before, without painting it again", async () => {
    const requestId = (await client(["A fjord", "--wait"])).stdout.split("  ")[0] ?? "";
    const paid = cloud.bedrock?.bill.length;
    const cwd = temporaryFolder();
    const { code, stdout } = await client(["wait", requestId, "--json"], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ requestId, status: "succeeded", path: `${requestId}.png` });
    expect(readdirSync(cwd)).toEqual([`${requestId}.png`]);
    expect(cloud.bedrock?.bill.length).toBe(paid);
  });

  it("saves the pictures of several prompts, and tells by its exit code that one was rejected", async () => {
    const cwd = temporaryFolder();
    const input = `a lake\nsome ${FORBIDDEN_WORD}\nan island\n`;
    const { code, stderr } = await client(["--wait", "--output-format", "jpeg"], { cwd, input });
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.any(String) });
    expect(stderr).toMatch(
      /^3 sent\.\n[0-9a-f]{32} rejected at 20\S+Z: ContentFilter: Filter reason: prompt\n$/,
    );
    expect(readdirSync(cwd)).toEqual([expect.stringMatching(/\.jpeg$/), expect.stringMatching(/\.jpeg$/)]);
  });

  it("paints each prompt of a file once, also when it is stopped and started again", async () => {
    const file = join(temporaryFolder(), "prompts.txt");
    const prompts = Array.from({ length: 60 }, (_, index) => `${FORBIDDEN_WORD} ${index}`);
    writeFileSync(file, [...prompts.slice(0, 55), "hill", "lake", "lake", "moon", "sea"].join("\n"));
    const before = cloud.bedrock?.bill.length ?? 0;
    await client(["--file", file], { onOutput: (_stdout, kill) => kill("SIGINT") });
    await client(["--file", file, "--wait"]);
    await client(["--file", file, "--wait"]);
    expect(cloud.bedrock?.bill.slice(before)).toHaveLength(5);
  });

  it("finds nothing wrong as a doctor", async () => {
    await client(["A tree", "--wait"]);
    const { code, stdout, stderr } = await client(["doctor"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trimEnd().split("\n")).toEqual([
      `ok    settings:  ${cloud.queueUrl}  us-east-1`,
      "ok    credentials:  access key loca...ocal",
      expect.stringMatching(/^ok {4}queue: {2}about \d+ waiting, \d+ being painted$/),
      "ok    dead-letter queue:  empty",
      `ok    bucket:  s3://${cloud.bucket}/`,
      expect.stringMatching(/^ok {4}model: {2}stability\.\S+ in us-west-2 painted at 20\S+Z$/),
    ]);
  });
});

describe("with records as they are found", () => {
  let pipeline: QuietPipeline;
  const PICTURE = Buffer.alloc(20_000, "picture");
  beforeAll(async () => {
    pipeline = await QuietPipeline.start();
    await pipeline.put("trips/images/done.png", PICTURE);
    await pipeline.putRecord(succeeded("done"));
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  function succeeded(requestId: string): SucceededRecord {
    const now = new Date().toISOString();
    const key = `trips/images/${requestId}.png`;
    return {
      ...askedRecord(requestId),
      status: "succeeded",
      prompt: "a secret place",
      model: "stability.stable-image-core-v1:1",
      region: "us-west-2",
      image: { bucket: "pictures", key, contentType: "image/png", bytes: PICTURE.length, sha256: "0" },
      timings: { queuedAt: now, startedAt: now, finishedAt: now, modelMs: 1 },
      costUsd: 0.04,
    };
  }

  it("shows where a finished request is, and its whole record with --json", async () => {
    expect(await pipeline.run(["status", "done"])).toEqual({
      code: 0,
      stdout: "done  succeeded  s3://pictures/trips/images/done.png\n",
      stderr: "",
    });
    const { stdout } = await pipeline.run(["status", "done", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ requestId: "done", seed: 7 });
  });

  it("says that there is no record, and how many wait", async () => {
    expect(await pipeline.run(["status", "nobody"])).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^There is no record of nobody: never sent, or still in the queue; about \d+ waiting, 0 being painted\.\n$/,
      ),
    });
  });

  it("lists the newest requests, the newest first, without their prompts", async () => {
    for (const requestId of ["old", "new"]) await pipeline.putRecord(succeeded(requestId));
    const { code, stdout } = await pipeline.run(["list", "--limit", "2"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^new {2}20\S+Z {2}succeeded {2}s3:\S+\nold {2}.*\n$/);
    expect(stdout).not.toContain("secret");
  });

  it("times out with exit code 4, and says how to wait on", async () => {
    expect(await pipeline.run(["wait", "nobody", "--timeout", "1"])).toEqual({
      code: 4,
      stdout: "",
      stderr: "nobody: not finished after 1 s. Wait on with: image-generator-client wait nobody\n",
    });
  });

  function failed(requestId: string, finishedAt: string): FailedRecord {
    const { image: _image, model: _model, region: _region, costUsd: _cost, ...rest } = succeeded(requestId);
    return {
      ...rest,
      status: "failed",
      reason: { code: "ModelTimeout", message: "no answer in time" },
      timings: { ...rest.timings, finishedAt },
    };
  }

  it("says when a request failed, which may be before it was sent again", async () => {
    await pipeline.putRecord(failed("old", "2026-01-01T00:00:00.000Z"));
    expect(await pipeline.run(["wait", "old"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "old failed at 2026-01-01T00:00:00.000Z: ModelTimeout: no answer in time\n",
    });
  });

  it("shows on a terminal how many are ahead", async () => {
    await pipeline.run(["one", "two"]);
    const { shown } = await runClientInTerminal(["wait", "nobody", "--timeout", "1"], { env: pipeline.env });
    expect(shown).toContain("nobody: in the queue; about 2 waiting, 0 being painted");
  });

  it.each([
    ["iTerm2", { TERM_PROGRAM: "iTerm.app" }, "\u001b]1337;File=inline=1;size=20000:"],
    ["kitty", { TERM: "xterm-kitty" }, "\u001b_Ga=T,f=100,m=1;"],
  ])("shows the picture in %s", async (_terminal, env, beginning) => {
    const { shown } = await runClientInTerminal(["wait", "done"], { env: { ...pipeline.env, ...env } });
    expect(shown).toContain(beginning);
    expect(shown).toContain(PICTURE.toString("base64").slice(0, 4096));
    expect((await pipeline.run(["wait", "done"], { env })).stdout).toBe("done  done.png\n");
  });

  it.each([1, 2])("waits for the end of what was just sent again, among %i", async (count) => {
    const ids = ["again", "other"].slice(0, count);
    for (const id of ids) await pipeline.putRecord(failed(id, "2026-01-01T00:00:00.000Z"));
    const { code, stderr } = await pipeline.run(["--wait"], {
      input: ids.map((requestId) => `{"prompt": "a lake", "requestId": "${requestId}"}\n`).join(""),
      onOutput: () => {
        for (const id of ids) void pipeline.putRecord(failed(id, "2026-02-02T00:00:00.000Z"));
      },
    });
    expect(code).toBe(1);
    expect(stderr.match(/failed at 2026-\S+/g)).toEqual(ids.map(() => "failed at 2026-02-02T00:00:00.000Z:"));
    await pipeline.drain();
  });

  it("saves a picture into the file behind a link", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "real.png"), "old");
    symlinkSync("real.png", join(cwd, "link.png"));
    expect((await pipeline.run(["wait", "done", "--output", "link.png"], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, "real.png"))).toEqual(PICTURE);
    expect(readlinkSync(join(cwd, "link.png"))).toBe("real.png");
    expect(readdirSync(cwd)).toHaveLength(2);
  });

  it("leaves no half-written file where the disk takes no more", async () => {
    const cwd = temporaryFolder();
    // Files of 8 blocks of 512 bytes at the most: a disk that is full, as far as the client can see.
    const command = `ulimit -f 8; exec ${process.execPath} ${clientBinary()} wait done --output k2.png`;
    const env = { ...pipeline.env, NODE_COMPILE_CACHE: "" };
    expect(await run("sh", ["-c", command], { env, cwd })).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "Cannot save the picture as k2.png: the file would be larger than this process may write. Choose another place with --output; image-generator-client wait done fetches it without painting it again.\n",
    });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("tells what a doctor finds: a queue that names no bucket", async () => {
    await pipeline.emulator.ensureQueue({
      name: "other",
      arn: "arn:aws:sqs:eu-west-1:000000000000:other",
      url: `${pipeline.emulator.endpoint}/000000000000/other`,
      attributes: {},
      tags: {},
    });
    const SQS_QUEUE_URL = `${pipeline.emulator.endpoint}/000000000000/other`;
    const { code, stdout, stderr } = await pipeline.run(["doctor"], { env: { SQS_QUEUE_URL } });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "3 of 5 checks failed.\n" });
    expect(stdout).toContain("FAIL  dead-letter queue:");
    expect(stdout).toMatch(
      /FAIL {2}bucket: {2}\S+ has no tag ImageBucket\. Deploy the pipeline again, or set IMAGE_BUCKET/,
    );
  });

  it("tells what a doctor finds: a model that fails since its last picture", async () => {
    await pipeline.putRecord(failed("late", new Date().toISOString()));
    const { code, stdout } = await pipeline.run(["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "FAIL  model:  ModelTimeout: no answer in time. See the request: image-generator-client status late",
    );
  });

  it.each([["status", "evil"], ["status", "evil", "--json"], ["list"], ["list", "--json"], ["wait", "evil"]])(
    "keeps what others wrote from steering the terminal: %s %s %s",
    async (...args) => {
      const message = "no \u001b]0;pwned\u0007 \u009b31m\r\n\u202e end";
      const record = failed("evil", new Date().toISOString());
      await pipeline.putRecord({ ...record, reason: { code: "InvalidRequest", message } });
      const { stdout, stderr } = await pipeline.run(args.filter((word) => word !== undefined));
      expect(stdout + stderr).toContain("pwned");
      expect((stdout + stderr).replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
      await pipeline.putRecord(succeeded("evil"));
    },
  );

  it("tells what a doctor finds: a model that the account may not use", async () => {
    await pipeline.putRecord({
      ...failed("denied", new Date().toISOString()),
      reason: { code: "AccessDeniedException", message: "You don't have access to the model" },
    });
    const { code, stdout } = await pipeline.run(["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "FAIL  model:  AccessDeniedException: You don't have access to the model. The account may have no agreement",
    );
  });
});
