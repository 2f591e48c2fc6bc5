import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { gzipSync, strToU8 } from "fflate";

const FOLDER = fileURLToPath(new URL("../functions/studio", import.meta.url));

/**
 * Bundles the studio into the files that the API's function serves, to the same bytes on every machine. The names of
 * scripts, styles and pictures have a hash of their content, so that browsers may keep them for ever.
 * @returns by path in the function's zip file; all but the page itself are compressed with gzip
 */
export function bundleStudio(): Record<string, Uint8Array> {
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: FOLDER,
    entryPoints: ["main.tsx", "style.css", "icon.svg"],
    entryNames: "[name]-[hash]",
    outdir: "studio",
    bundle: true,
    minify: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".svg": "copy" },
    legalComments: "none",
    metafile: true,
    write: false,
  });
  let page = readFileSync(`${FOLDER}/index.html`, "utf8");
  for (const [path, { entryPoint = "" }] of Object.entries(metafile.outputs)) {
    page = page.replace(`"${entryPoint}"`, `"/${path}"`);
  }
  const compressed = outputFiles.map(({ path, contents }) => {
    // Without the time, which would make other bytes of the same file.
    return [`studio/${basename(path)}.gz`, gzipSync(contents, { level: 9, mtime: 0 })] as const;
  });
  return { ...Object.fromEntries(compressed), "studio/index.html": strToU8(page) };
}
