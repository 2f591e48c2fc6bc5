import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiBench } from "./support/api-bench.ts";

const run = promisify(execFile);
const page = readFileSync(new URL("../docs/api.md", import.meta.url), "utf8");
const interpreters: Readonly<Record<string, readonly [string, ...string[]]>> = {
  bash: ["bash", "-euc"],
  javascript: [process.execPath, "--input-type=module", "--eval"],
  python: ["python3", "-c"],
};
const examples = [...page.matchAll(/```(bash|javascript|python)\n(.*?)```/gs)].map(
  ([, language = "", code = ""]) => ({ language, code }),
);

describe("docs/api.md: the example in", () => {
  let api: ApiBench;
  beforeAll(async () => {
    api = await ApiBench.start();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it.each(examples)("$language gets a picture", async ({ language, code }) => {
    const [command = "", ...options] = interpreters[language] ?? [];
    const { stdout } = await run(command, [...options, code], { env: { ...process.env, API: api.url } });
    expect(stdout).toContain("succeeded");
    const link = /http:\/\/[^\s"]+X-Amz-Signature[^\s"]+/.exec(stdout)?.[0] ?? "no link";
    expect((await fetch(link)).headers.get("content-type")).toBe("image/png");
  });

  it("every language is run", () => {
    expect(examples.map(({ language }) => language)).toEqual(["bash", "bash", "javascript", "python"]);
  });
});
