import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { bundleOptions } from "../../constructs/bundle.ts";

/** A change of the consumer's source that breaks a promise. */
export interface Damage {
  /** From the project's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Bundles the consumer with one piece of its source replaced. Throws where the piece is not there exactly once. */
export async function breakConsumer({ file, from, to }: Damage): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...bundleOptions("functions/consumer/index.ts"),
    plugins: [
      {
        name: "damage",
        setup({ onLoad }) {
          onLoad({ filter: new RegExp(`${file.replaceAll(".", "\\.")}$`) }, async ({ path }) => {
            const parts = (await readFile(path, "utf8")).split(from);
            if (parts.length !== 2) throw new Error(`${file} has not exactly one "${from}"`);
            return { contents: parts.join(to), loader: "ts" };
          });
        },
      },
    ],
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("the consumer was bundled into nothing");
  return output.contents;
}
