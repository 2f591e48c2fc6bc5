import { watch } from "node:fs";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import type { Cloud } from "../cloud.ts";
import { readStack } from "../stack/stack.ts";
import { synthesise } from "../stack/synthesise.ts";
import { Terraform } from "../stack/terraform.ts";
import { UserError } from "../user-error.ts";
import type { Progress } from "./progress.ts";

const CODE = fileURLToPath(new URL("../../functions", import.meta.url));

/** An editor writes a file in several steps, and a checkout writes several files: they are one change. */
const QUIET_MS = 200;

export interface Watching {
  readonly cloud: Cloud;
  /** Whose settings are synthesised. */
  readonly environment: string;
  readonly progress: Progress;
  readonly interrupted: AbortSignal;
}

/** Restarts the functions each time that their code changes, until it is interrupted. Code with a mistake is not run. */
export function watchCode(watching: Watching): void {
  const { progress, interrupted: signal } = watching;
  const oneAtATime = pLimit(1);
  let quiet: NodeJS.Timeout | undefined;
  watch(CODE, { recursive: true, signal }, () => {
    clearTimeout(quiet);
    quiet = setTimeout(() => void oneAtATime(() => restart(watching)).catch(complain), QUIET_MS);
  });
  const complain = (error: unknown): void =>
    progress.say(
      `The functions run the code of before: ${error instanceof UserError ? error.message : String(error)}`,
    );
}

async function restart({ cloud, environment, progress, interrupted }: Watching): Promise<void> {
  const synthesised = await synthesise(environment, interrupted);
  if (synthesised === "interrupted") return;
  const { stackDir, remove } = synthesised;
  try {
    const terraform = await Terraform.read({ directory: stackDir, endpoint: cloud.endpoint, variables: {} });
    for (const spec of readStack(terraform).functions)
      await cloud.functions.get(spec.functionName)?.update(spec);
    progress.say("The functions run the changed code.");
  } finally {
    await remove();
  }
}
