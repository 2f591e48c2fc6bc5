import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { MAX_PROMPT_LENGTH } from "../functions/domain/request-limits.ts";
import { QuietPipeline, runClient, startScriptedAws, temporaryFolder } from "./support/client.ts";
import { runClientInTerminal } from "./support/terminal.ts";
import { caseCount } from "./support/thorough.ts";

let pipeline: QuietPipeline;
beforeAll(async () => {
  pipeline = await QuietPipeline.start();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

const sentSchema = z.object({ requestId: z.string(), prompt: z.string() });

const batchSchema = z.object({
  Entries: z.array(
    z.object({ Id: z.string(), MessageBody: z.string(), MessageGroupId: z.string().optional() }),
  ),
});
type Entry = z.output<typeof batchSchema>["Entries"][number];

/** How SQS says that it has a message. */
const taken = ({ Id, MessageBody }: Entry) => ({
  Id,
  MessageId: `message-${Id}`,
  MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex"),
});

function promptFile(lines: readonly string[]): string {
  const path = join(temporaryFolder(), "prompts.txt");
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

/** What waits in the queue, which is empty afterwards. */
async function sent() {
  const messages = await pipeline.drain();
  return messages
    .map(({ Body = "" }) => sentSchema.loose().parse(JSON.parse(Body)))
    .toSorted((a, b) => a.prompt.localeCompare(b.prompt));
}

describe("send", () => {
  it("is what happens without a command, and prints the request id and the message id", async () => {
    const { code, stdout, stderr } = await pipeline.run(["Me on top of K2"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [message, ...others] = await pipeline.drain();
    expect(others).toEqual([]);
    const { requestId } = sentSchema.parse(JSON.parse(message?.Body ?? ""));
    expect(stdout).toBe(`${requestId}  ${message?.MessageId}\n`);
  });

  it("puts every option into the message", async () => {
    const options = "--aspect-ratio 16:9 --seed 7 --output-format jpeg";
    await pipeline.run(["send", "A fjord", "--negative-prompt", "people", ...options.split(" ")]);
    const [message] = await pipeline.drain();
    expect(JSON.parse(message?.Body ?? "")).toEqual({
      prompt: "A fjord",
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
      negativePrompt: "people",
      aspectRatio: "16:9",
      seed: 7,
      outputFormat: "jpeg",
    });
  });

  it.each(["Me on top of K2 🏔", "K2 \uFFFE\uFFFF"])(
    "sends %s in characters that every queue takes",
    async (prompt) => {
      const { code, stderr } = await pipeline.run(["send", prompt]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [message] = await pipeline.drain();
      expect(message?.Body).toMatch(/^[ -~]+$/);
      expect(JSON.parse(message?.Body ?? "")).toMatchObject({ prompt });
    },
  );

  it("prints one JSON object for each prompt with --json", async () => {
    const { stdout } = await pipeline.run(["one", "two", "--json"]);
    const printed = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const ids = (await sent()).map(({ requestId }) => requestId);
    expect(printed).toEqual(ids.map((requestId) => ({ requestId, messageId: expect.any(String) })));
  });

  it("takes plain lines and JSON lines from standard input; a line's own fields come first", async () => {
    const input = 'a fjord\n{"prompt": "b lake", "seed": 1, "requestId": "mine"}\r\n';
    const { code, stderr } = await pipeline.run(["--seed", "9"], { input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "2 sent.\n" });
    expect(await sent()).toMatchObject([
      { prompt: "a fjord", seed: 9 },
      { prompt: "b lake", seed: 1, requestId: "mine" },
    ]);
  });

  it("gives a file sent again the same ids, whatever lines were added, removed or moved", async () => {
    await pipeline.run(["--file", promptFile(["a", "b", "c"])]);
    const first = await sent();
    await pipeline.run(["--file", promptFile(["new", "c", "b"])]);
    const again = await sent();
    expect(again.slice(0, 2)).toEqual(first.slice(1));
    expect(first.map(({ requestId }) => requestId)).not.toContain(again[2]?.requestId);
  });

  it("paints a prompt twice that stands twice in a file, also when the file is sent again", async () => {
    const file = promptFile(["same", "same"]);
    await pipeline.run(["--file", file]);
    await pipeline.run(["--file", file]);
    const ids = (await sent()).map(({ requestId }) => requestId);
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(2);
  });

  it("paints a file again under the name of another batch, and typed prompts each time", async () => {
    const file = promptFile(["again"]);
    await pipeline.run(["--file", file]);
    await pipeline.run(["--file", file, "--batch", "tuesday"]);
    await pipeline.run(["again"]);
    await pipeline.run(["again"]);
    await pipeline.run(["again", "--batch", "tuesday"]);
    const ids = (await sent()).map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(4);
  });

  it("sends ten of the longest requests that there are", async () => {
    // In a message, each half of such a character takes six bytes: more than any other.
    const longest = "🏔".repeat(MAX_PROMPT_LENGTH / 2);
    const input = Array.from({ length: 10 }, () => longest).join("\n");
    const { code, stderr } = await pipeline.run(["--negative-prompt", longest], { input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "10 sent.\n" });
    expect(await sent()).toHaveLength(10);
  });

  it("sends what comes on standard input without waiting for more, and fails although more may come", async () => {
    const input = new PassThrough();
    input.write("a fjord\n");
    const { code, stdout, stderr } = await pipeline.run([], {
      input,
      onOutput: () => input.write("{\n"),
    });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(
        /^standard input, line 2: starts with \{ but is not valid JSON\. 1 sent for certain\. /,
      ),
    });
    expect(stdout).toMatch(/^\w+ {2}\S+\n$/);
    expect(await sent()).toHaveLength(1);
  });

  it("puts the group beside every message", async () => {
    const groups: (string | undefined)[] = [];
    await using aws = await startScriptedAws((_action, input) => {
      const { Entries } = batchSchema.parse(JSON.parse(input));
      groups.push(...Entries.map(({ MessageGroupId }) => MessageGroupId));
      return { status: 200, body: { Successful: Entries.map(taken), Failed: [] } };
    });
    expect((await runClient(["a", "b", "--group", "ada"], { env: aws.env })).code).toBe(0);
    expect(groups).toEqual(["ada", "ada"]);
  });

  it("sends again only those messages of a batch that SQS did not take", async () => {
    const received: string[][] = [];
    await using aws = await startScriptedAws((_action, input) => {
      const { Entries } = batchSchema.parse(JSON.parse(input));
      received.push(Entries.map(({ MessageBody }) => sentSchema.parse(JSON.parse(MessageBody)).prompt));
      const isTaken = (entry: Entry) => received.length > 1 || entry.Id === "1";
      return {
        status: 200,
        body: {
          Successful: Entries.filter(isTaken).map(taken),
          Failed: Entries.filter((entry) => !isTaken(entry)).map(({ Id }) => ({
            Id,
            SenderFault: false,
            Code: "InternalError",
          })),
        },
      };
    });
    const { code, stdout } = await runClient(["a", "b", "c"], { env: aws.env });
    expect(code).toBe(0);
    expect(received).toEqual([
      ["a", "b", "c"],
      ["a", "c"],
    ]);
    expect(stdout).toMatch(/^\w+ {2}message-0\n\w+ {2}message-1\n\w+ {2}message-2\n$/);
  });

  it("says how to go on when the network fails, without painting twice", async () => {
    let calls = 0;
    await using aws = await startScriptedAws(() => {
      calls += 1;
      return { status: 503, body: { __type: "ServiceUnavailable", message: "try later" } };
    });
    const { code, stderr } = await runClient(["a"], { env: aws.env });
    expect(calls).toBe(3);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^sqs:SendMessage: ServiceUnavailable: try later\. 0 sent for certain\. Send the rest with the same command with --batch [0-9a-f-]{36}: no prompt is painted twice\.\n$/,
      ),
    });
  });
});

describe("thousands of prompts from a file", () => {
  const count = caseCount(20_000);
  const file = promptFile(Array.from({ length: count }, (_, index) => `prompt ${index}`));

  it("are clean lines in a pipe", async () => {
    const { code, stdout, stderr } = await pipeline.run(["--file", file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${count} sent.\n` });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(count);
    expect(lines.filter((line) => !/^[0-9a-f]{32} {2}[0-9a-f-]{36}$/.test(line))).toEqual([]);
    await pipeline.drain();
  });

  it("are a progress bar on a terminal", async () => {
    const { code, shown } = await runClientInTerminal(["--file", file], { env: pipeline.env });
    expect(code).toBe(0);
    expect(shown).toMatch(/█+░+ \d+ % [\d,]+ of [\d,]+, [\d,]+\/s/);
    expect(shown).not.toMatch(/[0-9a-f]{32}/);
    expect(shown).toContain(`${count} sent.`);
    await pipeline.drain();
  });

  it("have one id each after Ctrl-C half-way and another start", async () => {
    const first = await pipeline.run(["--file", file], {
      onOutput: (stdout, kill) => {
        if (stdout !== "") kill("SIGINT");
      },
    });
    expect(first.code).toBe(130);
    expect(first.stderr).toMatch(
      /^Interrupted\. \d+ sent for certain\. Send the rest with the same command: no prompt is painted twice\.\n$/,
    );
    expect(first.stdout.split("\n").length).toBeLessThan(count);
    expect((await pipeline.run(["--file", file])).code).toBe(0);
    const messages = await sent();
    expect(messages.length).toBeGreaterThan(count);
    const promptOf = new Map(messages.map(({ requestId, prompt }) => [requestId, prompt]));
    expect(promptOf.size).toBe(count);
    expect(new Set(promptOf.values()).size).toBe(count);
  });
});
