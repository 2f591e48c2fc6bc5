import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listenOnLoopback } from "../local/loopback.ts";
import { ApiBench } from "./support/api-bench.ts";

const run = promisify(execFile);
const page = readFileSync(new URL("../docs/api.md", import.meta.url), "utf8");
const interpreters: Readonly<Record<string, readonly [string, ...string[]]>> = {
  bash: ["bash", "-euc"],
  javascript: [process.execPath, "--input-type=module", "--eval"],
  python: ["python3", "-c"],
};
/** What an example needs that Node.js does not bring. curl has `%header{…}` since 7.84. */
const needs: Readonly<Record<string, { readonly name: string; readonly isThere: () => boolean }>> = {
  bash: {
    name: "curl 7.84 or newer",
    isThere: () => {
      const [, major, minor] = /^curl (\d+)\.(\d+)/.exec(spawnSync("curl", ["-V"]).stdout?.toString()) ?? [];
      return Number(major) * 100 + Number(minor) >= 784;
    },
  },
  python: { name: "python3", isThere: () => spawnSync("python3", ["-V"]).status === 0 },
};
const examples = [...page.matchAll(/```(bash|javascript|python)\n(.*?)```/gs)].map(
  ([, language = "", code = ""]) => {
    const need = needs[language];
    // In CI nothing is skipped: there the example fails for want of it.
    const canRun = process.env.CI === "true" || need === undefined || need.isThere();
    if (!canRun)
      console.warn(`Not run: the example in ${language} of docs/api.md, which needs ${need.name}.`);
    return { language, code, canRun };
  },
);

const RETRY_AFTER_SECONDS = 3;

/**
 * The API behind a gateway that refuses the first call as API Gateway does when it throttles, and the second as the API
 * does without a queue.
 */
async function startBusyGateway(url: string) {
  const times: number[] = [];
  const server = createServer(async (request, response) => {
    times.push(performance.now());
    if (times.length === 1) {
      response.writeHead(429, { "content-type": "application/json" }).end('{"message":"Too Many Requests"}');
      return;
    }
    if (times.length === 2) {
      response
        .writeHead(503, {
          "content-type": "application/problem+json",
          "retry-after": String(RETRY_AFTER_SECONDS),
        })
        .end('{"detail":"The prompt could not be queued."}');
      return;
    }
    const { method = "GET", headers } = request;
    const sent = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      typeof value === "string" && !["host", "connection", "expect"].includes(name) ? [[name, value]] : [],
    );
    const body = method === "POST" && { body: await text(request) };
    const answer = await fetch(url + request.url, { method, headers: sent, ...body });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    times,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await promisify(server.close.bind(server))();
    },
  };
}

describe("docs/api.md: the example in", () => {
  let api: ApiBench;
  beforeAll(async () => {
    api = await ApiBench.start();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it.for(examples)(
    "$language gets a picture, after a 429 and a 503 first",
    async ({ language, code, canRun }, { skip }) => {
      skip(!canRun);
      const [command = "", ...options] = interpreters[language] ?? [];
      await using gateway = await startBusyGateway(api.url);
      const { stdout } = await run(command, [...options, code], {
        env: { ...process.env, API: gateway.url },
      });
      const [, refused = 0, passed = 0] = gateway.times;
      expect((passed - refused) / 1000).toBeGreaterThanOrEqual(RETRY_AFTER_SECONDS);
      expect(stdout).toContain("succeeded");
      const link = /http:\/\/[^\s"]+X-Amz-Signature[^\s"]+/.exec(stdout)?.[0] ?? "no link";
      expect((await fetch(link)).headers.get("content-type")).toBe("image/png");
    },
  );

  it("sh cancels a request that waits, and deletes it", async () => {
    await using waiting = await ApiBench.start({ consumer: false });
    const [, code = ""] = /```sh\n(.*?)```/s.exec(page) ?? [];
    const { stdout } = await run("bash", ["-euc", code], { env: { ...process.env, API: waiting.url } });
    expect(stdout).toMatch(/"status":"cancelled".*204\n$/s);
  });

  it("every language is run", () => {
    expect(examples.map(({ language }) => language)).toEqual([
      "bash",
      "bash",
      "javascript",
      "python",
      "bash",
      "bash",
    ]);
  });
});
