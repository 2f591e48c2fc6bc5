import { execFile, spawnSync } from "node:child_process";
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

describe("docs/api.md: the example in", () => {
  let api: ApiBench;
  beforeAll(async () => {
    api = await ApiBench.start();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it.for(examples)("$language gets a picture", async ({ language, code, canRun }, { skip }) => {
    skip(!canRun);
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
