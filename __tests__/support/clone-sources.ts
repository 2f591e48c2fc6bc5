import { cpSync, existsSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Copies what synthesis and deploying need into a new folder, as a clone would have it. */
export function cloneSources(): string {
  const folder = mkdtempSync(join(tmpdir(), "couch-clone-"));
  for (const part of [
    "main.ts",
    "package.json",
    "tsconfig.json",
    "cdktf.json",
    "ops",
    "config",
    "constructs",
    "functions",
  ]) {
    const filter = (path: string) => !path.endsWith("node_modules");
    cpSync(join(ROOT, part), join(folder, part), { recursive: true, filter });
  }
  for (const packages of ["node_modules", "ops/twin/node_modules"]) {
    if (existsSync(join(ROOT, packages))) symlinkSync(join(ROOT, packages), join(folder, packages));
  }
  return folder;
}
