import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { policyRules } from "../config/policies/judge.ts";

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
}

function named(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
}

const scriptsSchema = z.object({ scripts: z.record(z.string(), z.string()) });

describe.each(["SECURITY.md", "docs/reliability.md"])("%s", (page) => {
  const text = read(page);

  it.each(named(text, /`(?:__tests__\/)?([\w-]+\.test\.ts)`/g))("names %s, which there is", (file) => {
    expect(existsSync(new URL(file, import.meta.url))).toBe(true);
  });

  it.each(named(text, /`((?:config|docs|local|functions)\/[\w/.-]+)`/g))(
    "names %s, which there is",
    (file) => {
      expect(existsSync(new URL(`../${file}`, import.meta.url))).toBe(true);
    },
  );

  it.each(named(text, /npm run ([\w:]+)/g))("runs %s, which package.json has", (script) => {
    expect(Object.keys(scriptsSchema.parse(JSON.parse(read("package.json"))).scripts)).toContain(script);
  });
});

it("SECURITY.md names policies that there are", () => {
  const rules = named(read("SECURITY.md"), /\b(CKV_AWS_\d+|[A-Z]+_[A-Z_]+[A-Z])\b/g).filter(
    (name) => name !== "CKV_AWS",
  );
  const known = policyRules.map(({ id }) => id);
  expect(rules.filter((rule) => !known.includes(rule))).toEqual([]);
});

it("docs/reliability.md lists every promise that is checked", () => {
  const promises = named(read("local/chaos/invariants.ts"), /^ {2}"([^"]+)": /gm);
  expect(promises.length).toBeGreaterThan(8);
  expect(promises.filter((promise) => !read("docs/reliability.md").includes(`| ${promise} |`))).toEqual([]);
});
