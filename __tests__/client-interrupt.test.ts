import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, QuietPipeline, runClient, startScriptedAws } from "./support/client.ts";
import { runClientInTerminal } from "./support/terminal.ts";

let pipeline: QuietPipeline;
beforeAll(async () => {
  pipeline = await QuietPipeline.start();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

/** Interrupts the client during a call, and gives what else it called. */
async function interruptedDuring(
  call: string,
  args: readonly string[],
): Promise<Ended & { calls: string[] }> {
  const calls: string[] = [];
  let interrupt = () => {};
  await using aws = await startScriptedAws((action) => {
    calls.push(action);
    if (!action.startsWith(call)) {
      return { status: 200, body: { Attributes: { RedrivePolicy: '{"deadLetterTargetArn":"a:0:dlq"}' } } };
    }
    interrupt();
    return undefined;
  });
  const SQS_QUEUE_URL = aws.env.SQS_QUEUE_URL?.replace(/prompts$/, "image-generation-queue-dev") ?? "";
  const ended = await runClient(args, {
    env: { ...aws.env, SQS_QUEUE_URL },
    onStart: (kill) => {
      interrupt = () => kill("SIGINT");
    },
  });
  return { ...ended, calls };
}

describe("Ctrl-C", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "ends the wait for more on standard input, as %s, after sending what came",
    async (signal) => {
      const input = new PassThrough();
      input.write("a fjord\n");
      const { code, stdout, stderr } = await pipeline.run([], {
        input,
        onOutput: (_stdout, kill) => kill(signal),
      });
      expect({ code, stderr }).toEqual({
        code: 130,
        stderr:
          "Interrupted. 1 sent for certain. Send the rest with the same command: no prompt is painted twice.\n",
      });
      expect(stdout).toMatch(/^\w+ {2}\S+\n$/);
    },
  );

  it("stops a purge before anything is deleted", async () => {
    expect(await interruptedDuring("GetQueueAttributes", ["dlq", "purge", "--yes"])).toEqual({
      code: 130,
      stdout: "",
      stderr: "Interrupted. Nothing was deleted.\n",
      calls: ["GetQueueAttributes"],
    });
  });

  it("is an answer to the question of a purge", async () => {
    await pipeline.bury("Me on top of K2");
    const { code, shown } = await runClientInTerminal(["dlq", "purge"], {
      env: pipeline.env,
      answer: { question: "[y/N]", keys: "\u0003" },
    });
    expect(code).toBe(130);
    expect(shown.trimEnd().split("\n").at(-1)).toBe("Interrupted. Nothing was deleted.");
    expect(await pipeline.depth(pipeline.deadLetterQueueUrl)).toEqual([1, 0]);
  });

  it("leaves a stopped consumer stopped", async () => {
    const mappings = "GET /2015-03-31/event-source-mappings";
    expect(await interruptedDuring(mappings, ["resume"])).toEqual({
      code: 130,
      stdout: "",
      stderr: "Interrupted.\n",
      calls: [expect.stringContaining(mappings)],
    });
  });

  it("ends a doctor's visit", async () => {
    const { code, stderr, calls } = await interruptedDuring("GetQueueAttributes", ["doctor"]);
    expect({ code, stderr, calls }).toEqual({
      code: 130,
      stderr: "Interrupted.\n",
      calls: ["GetQueueAttributes"],
    });
  });
});
