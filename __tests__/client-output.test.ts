import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientBinary, type Ended, QuietPipeline, run, temporaryFolder } from "./support/client.ts";
import { requestBody } from "./support/sample-request.ts";

let pipeline: QuietPipeline;
beforeEach(async () => {
  pipeline = await QuietPipeline.start();
});
afterEach(() => pipeline[Symbol.asyncDispose]());

/** Runs the client in a shell, with what follows there. */
const inShell = (args: string, rest: string): Promise<Ended> =>
  run("sh", ["-c", `${process.execPath} ${clientBinary()} ${args} ${rest}`], { env: pipeline.env });

async function bury(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await pipeline.bury(requestBody(`id-${index}`));
}

describe("where nobody reads its output to the end", () => {
  it("sends all prompts of a file", async () => {
    const file = join(temporaryFolder(), "prompts.txt");
    writeFileSync(file, Array.from({ length: 2000 }, (_, index) => `prompt ${index}\n`).join(""));
    const { stdout, stderr } = await inShell(`--file ${file}`, "| head -1");
    expect(stdout).toMatch(/^\w+ {2}\S+\n$/);
    expect(stderr).toBe("2000 sent.\n");
    expect(await pipeline.depth(pipeline.queueUrl)).toEqual([2000, 0]);
  });

  it("redrives all dead letters", async () => {
    await bury(15);
    expect((await inShell("dlq redrive --all --rate 1000", "| head -1")).stderr).toBe("15 redriven.\n");
    expect(await pipeline.depth(pipeline.queueUrl)).toEqual([15, 0]);
  });

  it("hides no dead letters from others after looking", async () => {
    await bury(15);
    await inShell("dlq list", "2>&1 | head -1");
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([15, 0]);
  });
});

describe.skipIf(!existsSync("/dev/full"))("where the disk of its output is full", () => {
  it("fails in one line, and puts back what it looked at", async () => {
    await bury(2);
    expect(await inShell("dlq list", "> /dev/full")).toEqual({
      code: 1,
      stdout: "",
      stderr: "Cannot write to standard output: the disk is full.\n",
    });
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([2, 0]);
  });

  it("says how many prompts were sent, and how to go on", async () => {
    expect(await inShell("'Me on top of K2'", "> /dev/full")).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^Cannot write to standard output: the disk is full\. 1 sent for certain\. Send the rest with the same command with --batch [0-9a-f-]{36}: no prompt is painted twice\.\n$/,
      ),
    });
  });
});
