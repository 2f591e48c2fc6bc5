import { existsSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SettingsError } from "./load.ts";

/** What the stacks are built on. */
export interface Platform {
  /** The package that synthesises them. */
  readonly engine: "cdktf" | "cdktn";
  /** The package with the typed resources, and the version of the AWS provider that Terraform downloads. */
  readonly resources: "@cdktf/provider-aws" | "@cdktn/provider-aws";
  readonly provider: string;
  /** The major version of Node.js that the functions run on. */
  readonly node: 22 | 24;
}

/** The steps from the platform of today to the next, by the name for `PLATFORM`. docs/moving-on.md walks them. */
export const platforms = {
  "cdktf-5": { engine: "cdktf", resources: "@cdktf/provider-aws", provider: "5.100.0", node: 22 },
  "cdktn-5": { engine: "cdktn", resources: "@cdktn/provider-aws", provider: "5.100.0", node: 22 },
  "cdktn-6": { engine: "cdktn", resources: "@cdktn/provider-aws", provider: "6.66.0", node: 24 },
} as const satisfies Record<string, Platform>;

const DEFAULT = "cdktf-5";

/** The platform that `PLATFORM` names. Throws a SettingsError if there is none of that name. */
export function readPlatform(): Platform {
  const name = process.env.PLATFORM ?? DEFAULT;
  const platform = new Map<string, Platform>(Object.entries(platforms)).get(name);
  if (platform !== undefined) return platform;
  const names = Object.keys(platforms).join(", ");
  throw new SettingsError(`There is no platform "${name}". Set PLATFORM to one of ${names}, or unset it.`);
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Lets every import of cdktf mean the platform's engine, its resources and its `constructs`. Call it before the first.
 * @param root the project's folder
 * @throws SettingsError if the engine is not installed, or its parts come from two installations
 */
export function useEngine(root = ROOT): void {
  const { engine, resources } = readPlatform();
  // Packages of the next engine have a folder of their own, since it needs another version of constructs.
  const home = `${root}/${engine === "cdktf" ? "" : "ops/twin/"}package.json`;
  const install = engine === "cdktf" ? "npm ci" : "npm ci --prefix ops/twin";
  const folders = [engine, resources, "constructs"].map((name) => {
    const folder = createRequire(home)
      .resolve.paths(name)
      ?.find((candidate) => existsSync(`${candidate}/${name}/package.json`));
    if (folder !== undefined) return folder;
    throw new SettingsError(`${name} is not installed. Type: ${install}`);
  });
  const [folder = ""] = folders;
  const [other, otherResources] =
    engine === "cdktf" ? ["cdktn", "@cdktn/provider-aws"] : ["cdktf", "@cdktf/provider-aws"];
  const isMixed = [other, otherResources].some((name) => existsSync(`${folder}/${name}`));
  if (isMixed || new Set(folders).size > 1) {
    throw new SettingsError(
      `${engine}, ${resources} and constructs must be installed in one folder, without ${other}: see ${relative(root, folder)}. Type: git checkout package.json package-lock.json ops/twin && npm ci && npm ci --prefix ops/twin`,
    );
  }
  if (engine === "cdktf") return;
  registerHooks({
    resolve(specifier, context, next) {
      if (context.parentURL?.includes("/node_modules/")) return next(specifier, context);
      const [, found, rest = ""] = /^(cdktf|@cdktf\/provider-aws|constructs)(\/.*)?$/.exec(specifier) ?? [];
      if (found === undefined) return next(specifier, context);
      const name = found === "cdktf" ? engine : found === "constructs" ? found : resources;
      return next(name + rest, { ...context, parentURL: pathToFileURL(home).href });
    },
  });
}
