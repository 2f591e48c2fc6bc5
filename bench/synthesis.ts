import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pairwise, timeProcesses } from "./measure.ts";
import type { Part } from "./table.ts";

const ROUNDS = 5;

/** What it costs to synthesise the stack, in processor time. */
export const synthesis: Part = {
  name: "synthesis",
  quick: false,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "couch-bench-"));
    const env = { PATH: process.env.PATH ?? "", CDKTF_OUTDIR: folder };
    const script = (code: string) => ["--input-type=module", "--eval", code];
    const [synthesised = [], libraries = []] = timeProcesses(
      [
        { name: "node main.ts", args: ["main.ts"], env },
        {
          name: "loading cdktf",
          args: script('await import("cdktf");await import("./constructs/pipeline-stack.ts")'),
          env,
        },
      ],
      ROUNDS,
    );
    return [
      { what: "node main.ts", against: "", unit: "ms", values: synthesised },
      {
        what: "node main.ts",
        against: "loading its modules",
        unit: "×",
        values: pairwise(synthesised, libraries, (one, other) => one / other),
        target: 2,
      },
    ];
  },
};
