import { readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import type { Cloud } from "../cloud.ts";
import { readStack } from "../stack/stack.ts";
import { synthesise } from "../stack/synthesise.ts";
import { Terraform } from "../stack/terraform.ts";
import { UserError } from "../user-error.ts";
import type { Arguments } from "./arguments.ts";
import type { Progress } from "./progress.ts";

const CODE = fileURLToPath(new URL("../../functions", import.meta.url));

/** An editor writes a file in several steps, and a checkout writes several files: they are one change. */
const QUIET_MS = 200;

interface Watching {
  readonly given: Pick<Arguments, "environment">;
  readonly progress: Progress;
  readonly interrupted: AbortSignal;
}

/** Restarts the functions each time that their code changes, until it is interrupted. Code with a mistake is not run. */
export function watchCode(cloud: Cloud, run: Watching): void {
  const oneAtATime = pLimit(1);
  let quiet: NodeJS.Timeout | undefined;
  // Node.js's own recursive watch loses a file that an editor or git replaces; a folder knows of its new one.
  const below = readdirSync(CODE, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  for (const folder of [CODE, ...below.map(({ parentPath, name }) => join(parentPath, name))]) {
    watch(folder, { signal: run.interrupted, persistent: false }, () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => void oneAtATime(() => restart(cloud, run)), QUIET_MS);
    });
  }
}

async function restart(cloud: Cloud, { given, progress, interrupted }: Watching): Promise<void> {
  try {
    const synthesised = await synthesise(given.environment, interrupted);
    if (synthesised === "interrupted") return;
    const source = { directory: synthesised.stackDir, endpoint: cloud.endpoint, variables: {} };
    try {
      const { functions } = readStack(await Terraform.read(source));
      for (const spec of functions) await cloud.functions.get(spec.functionName)?.update(spec);
    } finally {
      await synthesised.remove();
    }
    progress.say("The functions run the changed code.");
  } catch (error) {
    const why = error instanceof UserError ? error.message : String(error);
    progress.say(`The functions run the code of before: ${why}`);
  }
}
