import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { lintSource } from "@secretlint/core";
import { creator as recommended } from "@secretlint/secretlint-rule-preset-recommend";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { BUNDLED_ENTRIES, type BundledPackage, bundledPackages } from "./support/bundled-packages.ts";

/** What a package's licence may be, by SPDX id, for its code to leave this repository inside a bundle. */
const BUNDLED_LICENCES = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"];

/** Packages whose licence would extend to the project: they only ever run in tests. */
const TEST_ONLY_PACKAGES = ["@cloud-copilot/iam-simulate"];

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
}

/** One name or several; missing means every one. */
const listSchema = z.union([z.array(z.string()), z.string().transform((name) => [name])]).optional();
const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      inBundle: z.boolean().optional(),
      license: z.string().optional(),
      version: z.string().optional(),
      os: listSchema,
      cpu: listSchema,
      libc: listSchema,
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});
const lock = lockSchema.parse(JSON.parse(read("package-lock.json"))).packages;
const { "": lockedManifest, ...locked } = lock;
type Locked = (typeof locked)[string];
const manifest = z
  .object({
    os: z.array(z.string()),
    cpu: z.array(z.string()),
    devDependencies: z.record(z.string(), z.string()),
    optionalDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(read("package.json")));

/** The platforms that the README promises. */
const platforms = manifest.os.flatMap((os) => manifest.cpu.map((cpu) => ({ os, cpu })));
type Platform = (typeof platforms)[number];

/** Whether npm installs the package on the platform, where the C library of Linux is glibc. */
function isFor({ os, cpu }: Platform, each: Locked | undefined): boolean {
  if (each === undefined) return false;
  const allows = (list: string[] | undefined, value: string) => list === undefined || list.includes(value);
  return allows(each.os, os) && allows(each.cpu, cpu) && allows(each.libc, "glibc");
}

/** Each package that comes with packages for single platforms, and those. */
const withBinaries = Object.entries(lock).flatMap(([folder, { optionalDependencies = {} }]) => {
  const binaries = Object.entries(optionalDependencies).map(([name, version]) => ({
    version,
    locked: locked[`${folder}/node_modules/${name}`] ?? locked[`node_modules/${name}`],
  }));
  const some = binaries.some((each) => each.locked?.cpu !== undefined);
  return some ? [{ name: nameOf(folder) || "this project", binaries }] : [];
});

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
}

describe("the lockfile", () => {
  it("names no address, so that whoever installs chooses the registry", () => {
    expect(Object.entries(locked).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it("pins the bytes of each package, be it inside those of another", () => {
    const pinned = ({ integrity, inBundle }: Locked) => inBundle || integrity?.startsWith("sha512-");
    expect(Object.entries(locked).filter(([, each]) => !pinned(each))).toEqual([]);
  });

  it("belongs to a manifest that pins every version", () => {
    const versions = Object.entries({ ...manifest.optionalDependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it("fits the manifest: after a change by hand, npm install --package-lock-only writes it again", () => {
    const { devDependencies, optionalDependencies } = manifest;
    expect(lockedManifest).toMatchObject({ devDependencies, optionalDependencies });
    const wanted = Object.entries({ ...devDependencies, ...optionalDependencies });
    const pinned = wanted.map(([name]) => [name, locked[`node_modules/${name}`]?.version]);
    expect(pinned).toEqual(wanted.map(([name, version]) => [name, version.replace(/^npm:.*@/, "")]));
  });
});

describe.each(platforms)("an install on $os with $cpu", (platform) => {
  it.each(withBinaries)("has the binary of $name, in the version that it asks for", ({ binaries }) => {
    const found = binaries.filter((each) => isFor(platform, each.locked));
    expect(found).toHaveLength(1);
    expect(found[0]?.locked).toMatchObject({
      version: found[0]?.version,
      integrity: expect.stringMatching(/^sha512-/),
    });
  });
});

it("brings the same version of Node.js to every platform", () => {
  expect(new Set(Object.values(manifest.optionalDependencies)).size).toBe(1);
});

describe("the install", () => {
  it("runs no script of any package", () => {
    expect(read(".npmrc")).toMatch(/^ignore-scripts=true$/m);
  });

  it("has no package that reports its users", () => {
    expect(existsSync(new URL("../node_modules/@scarf", import.meta.url))).toBe(false);
  });
});

it("knows the entry of everything that is bundled", () => {
  expect(new Set(globSync("{functions/*,client}/{index.ts,main.tsx}"))).toEqual(new Set(BUNDLED_ENTRIES));
});

describe.each(BUNDLED_ENTRIES)("the bundle of %s", (entry) => {
  let packages: readonly BundledPackage[];
  beforeAll(async () => {
    packages = await bundledPackages(entry);
  });

  it("has code under permitted licences only", () => {
    expect(packages.filter(({ license }) => !BUNDLED_LICENCES.includes(license))).toEqual([]);
  });

  it("has nothing of the packages that are for tests only", () => {
    expect(packages.filter(({ name }) => TEST_ONLY_PACKAGES.includes(name))).toEqual([]);
  });
});

it.each(TEST_ONLY_PACKAGES)("has a reason to keep %s to tests, and only tests import it", (name) => {
  expect(locked[`node_modules/${name}`]?.license).toMatch(/GPL/);
  const importers = tracked().filter((file) => file.endsWith(".ts") && read(file).includes(`from "${name}"`));
  expect(importers.filter((file) => !file.startsWith("__tests__/"))).toEqual([]);
});

describe("the repository", () => {
  it("has no secret in any file", async () => {
    const found = await Promise.all(
      tracked().map(async (file) => (await secretsIn(file, read(file))).map((what) => `${file}: ${what}`)),
    );
    expect(found.flat()).toEqual([]);
  });

  it.each([
    ["a token of GitHub", `ghp_${"wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"}`],
    ["an access key of AWS", `AWS_SECRET_ACCESS_KEY=${"wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE"}`],
  ])("would notice %s", async (_name, secret) => {
    expect(await secretsIn("any.ts", secret)).not.toEqual([]);
  });
});

function tracked(): string[] {
  const files = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0");
  return files.filter((file) => file !== "" && !/\.(png|jpe?g)$/.test(file));
}

async function secretsIn(filePath: string, content: string): Promise<string[]> {
  const { messages } = await lintSource({
    source: { filePath, content, ext: filePath.slice(filePath.lastIndexOf(".")), contentType: "text" },
    options: { config: { rules: [{ id: "recommended", rule: recommended }] }, maskSecrets: true },
  });
  return messages.map(({ message }) => message);
}
