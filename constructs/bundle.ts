import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, buildSync } from "esbuild";
import { zipSync } from "fflate";
import { readPlatform } from "../config/platform.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = join(ROOT, ".build");

/** A function's code, ready to upload. */
export interface Bundle {
  /** The path of the zip file. */
  readonly zip: string;
  /** SHA-256 of the code: the same code has the same version, whoever builds it and where. */
  readonly version: string;
}

/** How every function is bundled. */
export function bundleOptions(entry: string): BuildOptions & { readonly write: false } {
  return {
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    platform: "node",
    target: `node${readPlatform().node}`,
    // Importing node:http from an ES module reads all that it exports, and so loads the whole of undici; requiring it
    // does not. The packages' own ES modules still shake better than their CommonJS.
    format: "cjs",
    mainFields: ["module", "main"],
    write: false,
    legalComments: "none",
  };
}

/**
 * Bundles a function into one file and zips it, to the same bytes on every machine.
 * @param entry the function's entry file, from the project's root
 * @param files what else the zip file holds, by path
 */
export function bundle(entry: string, files: Readonly<Record<string, Uint8Array>> = {}): Bundle {
  const { outputFiles } = buildSync(bundleOptions(entry));
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`${entry} was bundled into nothing`);
  // A zip file carries a time for each entry: 1980 is the first that the format knows.
  const zipped = zipSync(
    { "index.js": output.contents, ...files },
    { mtime: new Date(1980, 0, 1), level: 9 },
  );
  const zip = join(OUT, `${entry.replaceAll("/", "-").replace(/\.ts$/, "")}.zip`);
  mkdirSync(OUT, { recursive: true });
  // Two syntheses at once must not read each other's half-written file.
  const written = `${zip}.${process.pid}`;
  writeFileSync(written, zipped);
  renameSync(written, zip);
  return { zip, version: createHash("sha256").update(output.contents).digest("hex").slice(0, 12) };
}
