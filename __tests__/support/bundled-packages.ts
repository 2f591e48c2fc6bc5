import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { z } from "zod";
import { bundleOptions } from "../../constructs/bundle.ts";

/** The entry of everything that leaves this repository as a bundle, from the project's root. */
export const BUNDLED_ENTRIES = [
  "functions/consumer/index.ts",
  "functions/api/index.ts",
  "functions/breaker/index.ts",
  "functions/studio/main.tsx",
  "client/index.ts",
] as const;

const packageSchema = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** A package that has code in a bundle, as its own package.json describes it. */
export type BundledPackage = z.output<typeof packageSchema>;

const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

/** The packages that have code in the bundle of an entry, by name and version. Throws for one that does not name its licence. */
export async function bundledPackages(entry: string): Promise<BundledPackage[]> {
  const { metafile } = await build({ ...bundleOptions(entry), metafile: true });
  const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const folders = new Set(files.flatMap((file) => PACKAGE_FOLDER.exec(file)?.[0] ?? []));
  const packages = await Promise.all(
    [...folders].map(async (folder) => {
      const file = new URL(`../../${folder}/package.json`, import.meta.url);
      return packageSchema.parse(JSON.parse(await readFile(file, "utf8")));
    }),
  );
  return packages.toSorted((a, b) => `${a.name}@${a.version}`.localeCompare(`${b.name}@${b.version}`));
}
