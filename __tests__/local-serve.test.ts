import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { cloneSources } from "./support/clone-sources.ts";
import { npmStart, printed, type Started } from "./support/npm-start.ts";

const ANY_PORTS = ["--port", "0", "--api-port", "0"];

/** Sends a prompt as the serving cloud says to. */
async function send(server: Started, body: object): Promise<void> {
  const [, endpoint = ""] = await printed(server, "stdout", /AWS_ENDPOINT_URL=(\S+)/);
  const [, QueueUrl] = await printed(server, "stdout", /SQS_QUEUE_URL=(\S+)/);
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const sqs = new SQSClient({ endpoint, region: "eu-west-1", credentials });
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));
}

async function setTrouble(server: Started, body: string): Promise<Response> {
  const [, url = ""] = await printed(server, "stdout", /curl -X PUT .* (http:\S+)/);
  return await fetch(url, { method: "PUT", body });
}

describe("npm start without a prompt", () => {
  const state = mkdtempSync(join(tmpdir(), "local-serve-"));
  let server: Started;
  beforeAll(() => {
    server = npmStart([...ANY_PORTS, "--state", state, "--broken", "--alarm-speed", "60"]);
  });
  afterAll(() => void server.child.kill("SIGKILL"));

  it("prints the API's address, and the studio's", async () => {
    const [, url = ""] = await printed(server, "stdout", /HTTP +(\S+)/);
    const [, page = ""] = await printed(server, "stdout", /(\S+) is the studio/);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(await (await fetch(page)).text()).toContain("<html");
  });

  it("shows the first words of each prompt beside its id, without what would command the terminal", async () => {
    const prompt = `A lighthouse\u202e in\n${"the long storm ".repeat(9)}`;
    await send(server, { requestId: "storm", prompt });
    await printed(
      server,
      "stderr",
      /^storm "A lighthouse\\u202e in\\u000athe long storm the long…" generating$/m,
    );
  });

  it("names the runbook of an alarm as a file of this folder", async () => {
    const [, page = ""] = await printed(server, "stderr", /Runbook: (\S+)/);
    expect(readFileSync(page, "utf8")).toMatch(/^# /);
  });

  it("refuses trouble that it does not know, and names it", async () => {
    const refused = await setTrouble(server, '{"throtle": 1}');
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("throtle");
    expect(await (await setTrouble(server, "throttle=1")).text()).toContain("expected object");
  });

  it("paints again once it is told that the model works", async () => {
    await send(server, { requestId: "switched", prompt: "the sea" });
    await printed(server, "stderr", /^switched "the sea" generating$/m);
    expect((await setTrouble(server, "{}")).status).toBe(200);
    await printed(server, "stderr", /^switched "the sea" succeeded/m);
  });

  it("is refused the folder of another one's state, and told whose it is", async () => {
    await printed(server, "stdout", /Serving on/);
    const second = npmStart([...ANY_PORTS, "--state", state]);
    await once(second.child, "close");
    expect(second.child.exitCode).toBe(1);
    expect(second.output.stderr).toContain(
      `\nProcess ${server.child.pid} keeps its state in ${state}. Stop it, or name another folder with --state <folder>.\n`,
    );
  });
});

it("takes over the state of a process that was killed, and says what becomes of its messages", async () => {
  const state = mkdtempSync(join(tmpdir(), "local-serve-"));
  const killed = npmStart([...ANY_PORTS, "--state", state, "--model-latency", "60000"]);
  onTestFinished(() => void killed.child.kill("SIGKILL"));
  await send(killed, { requestId: "left", prompt: "the sea" });
  await printed(killed, "stderr", /^left .* generating$/m);
  killed.child.kill("SIGKILL");
  await once(killed.child, "close");
  const next = npmStart([...ANY_PORTS, "--state", state]);
  onTestFinished(() => void next.child.kill("SIGKILL"));
  await printed(
    next,
    "stderr",
    /^Messages in flight when the last run ended: 1\. They are visible again\. A request that was being painted waits for its lease to end, 150 seconds at most\.$/m,
  );
});

it("runs the changed code with --watch, and the code of before while there is a mistake in it", async () => {
  const clone = cloneSources();
  for (const part of ["local", "docs"]) cpSync(part, join(clone, part), { recursive: true });
  const file = join(clone, "functions/consumer/index.ts");
  const code = readFileSync(file, "utf8");
  // As editors and git do: the file is another one each time.
  const save = (text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const server = npmStart([...ANY_PORTS, "--watch", "--verbose"], process.env, clone);
  onTestFinished(() => void server.child.kill("SIGKILL"));
  await printed(server, "stdout", /Serving on/);
  save(`${code}\nconst;`);
  await printed(
    server,
    "stderr",
    /^The functions run the code of before: [\s\S]*functions\/consumer\/index\.ts/m,
  );
  save(`${code}\nconsole.info({ event: "changed" });`);
  await printed(server, "stderr", /^The functions run the changed code\.$/m);
  await send(server, { requestId: "new", prompt: "the sea" });
  await printed(server, "stderr", /"event":"changed"/);
  await printed(server, "stderr", /^new "the sea" succeeded/m);
});
