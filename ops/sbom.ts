import { mkdir, writeFile } from "node:fs/promises";
import { billOfMaterials } from "./bill-of-materials.ts";
import { BUNDLED_ENTRIES, bundledPackages } from "./bundled-packages.ts";

const out = new URL("../.build/", import.meta.url);
await mkdir(out, { recursive: true });
for (const entry of BUNDLED_ENTRIES) {
  const name = `${entry.replaceAll("/", "-").replace(/\.ts$/, "")}.cdx.json`;
  await writeFile(new URL(name, out), billOfMaterials(entry, await bundledPackages(entry)));
  console.info(`.build/${name}`);
}
