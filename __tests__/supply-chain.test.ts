import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { lintSource } from "@secretlint/core";
import { creator as recommended } from "@secretlint/secretlint-rule-preset-recommend";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { billOfMaterials } from "../ops/bill-of-materials.ts";
import { BUNDLED_ENTRIES, type BundledPackage, bundledPackages } from "../ops/bundled-packages.ts";
import { BUNDLED_LICENCES, TEST_ONLY_PACKAGES } from "../ops/licences.ts";

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
}

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      inBundle: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      license: z.string().optional(),
    }),
  ),
});
const { "": _, ...locked } = lockSchema.parse(JSON.parse(read("package-lock.json"))).packages;
type Locked = (typeof locked)[string];
const manifest = z
  .object({
    dependencies: z.record(z.string(), z.string()).optional(),
    devDependencies: z.record(z.string(), z.string()),
    allowScripts: z.record(z.string(), z.boolean()),
  })
  .parse(JSON.parse(read("package.json")));

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

  it("has no package with an install script that nobody decided on, and no decision that nothing needs", () => {
    const scripted = Object.entries(locked).flatMap(([folder, { hasInstallScript }]) =>
      hasInstallScript ? nameOf(folder) : [],
    );
    expect(new Set(Object.keys(manifest.allowScripts))).toEqual(new Set(scripted));
  });

  it("belongs to a manifest that pins every version", () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});

it("knows the entry of everything that is bundled", () => {
  expect(new Set(globSync("{functions/*,client}/index.ts"))).toEqual(new Set(BUNDLED_ENTRIES));
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

  it("has a bill of materials that the CycloneDX schema accepts and that names each package", () => {
    const bom: unknown = JSON.parse(billOfMaterials(entry, packages));
    expect(validate(bom), JSON.stringify(validate.errors)).toBe(true);
    const components = packages.map(({ name, version }) => expect.objectContaining({ name, version }));
    expect(bom).toMatchObject({ components: expect.arrayContaining(components) });
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

const SCHEMAS = "node_modules/@cyclonedx/cyclonedx-library/res/schema";
const ajv = new Ajv({ strict: false, formats: { "iri-reference": true, "idn-email": true } });
formats.default(ajv);
for (const part of ["spdx", "jsf-0.82"]) {
  const name = `${part}.SNAPSHOT.schema.json`;
  ajv.addSchema(JSON.parse(read(`${SCHEMAS}/${name}`)), `http://cyclonedx.org/schema/${name}`);
}
const validate = ajv.compile(JSON.parse(read(`${SCHEMAS}/bom-1.6.SNAPSHOT.schema.json`)));
