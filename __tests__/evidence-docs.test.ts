import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { policyRules } from "../ops/policies/judge.ts";

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
}

function named(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
}

const ROOT = new URL("../", import.meta.url);
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(read("package.json")));

// With the new files that are not committed yet.
const listFiles = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
const files = execFileSync("git", listFiles, { cwd: ROOT, encoding: "utf8" })
  .split("\0")
  .filter((file) => existsSync(new URL(file, ROOT)));
const pages = files.filter((file) => /^(docs\/.+|[A-Z]+)\.md$/.test(file));
const folders = new Set(files.map((file) => /^(.+?)\//.exec(file)?.[1]).filter((name) => name !== undefined));
const fileNames = new Set(files.map((file) => basename(file)));

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: URL): string[] {
  const text = readFileSync(page, "utf8").replaceAll(/^```.*?^```/gms, "");
  return named(text, /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Whether a link of a page leads to a file that there is, and to a heading in it. */
function leadsSomewhere(link: string, page: string): boolean {
  const { hash, href } = new URL(link, new URL(page, ROOT));
  const file = new URL(href.slice(0, href.length - hash.length));
  return existsSync(file) && (hash === "" || anchorsOf(file).includes(hash.slice(1)));
}

describe.each(pages)("%s", (page) => {
  const text = read(page);

  it("names files and folders that there are", () => {
    const tops = [...folders].join("|").replaceAll(".", "\\.");
    const paths = named(text, new RegExp(`(?<![\\w/.-])((?:${tops})/(?:[\\w/.-]*[\\w/])?)`, "g"));
    expect(paths.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([]);
  });

  it("names files without their folder only where there is one of that name", () => {
    const names = named(text, /`([\w-][\w.-]*\.(?:[jt]s|json|md|py|sh|yml))`/g);
    expect(names.filter((name) => !fileNames.has(name))).toEqual([]);
  });

  it("runs scripts that package.json has", () => {
    const run = named(text, /npm (?:run |(?=start|test))(?:--silent )?([\w:-]+)/g);
    expect(run.filter((script) => !(script in scripts))).toEqual([]);
  });

  it("links to files and headings that there are", () => {
    const links = named(text, /(?:\]\(|(?:src|href)=")(?![a-z]+:)([^)"\s]+)/g);
    expect(links.filter((link) => !leadsSomewhere(link, page))).toEqual([]);
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
  const promises = named(read("local/chaos/invariants.ts"), /^ {2}\[(?:\n {4})?"([^"]+)",/gm);
  expect(promises.length).toBeGreaterThan(8);
  expect(promises.filter((promise) => !read("docs/reliability.md").includes(`| ${promise} |`))).toEqual([]);
});
