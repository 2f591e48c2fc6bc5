import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../user-error.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

export interface Synthesised {
  /** The pipeline stack's folder. */
  readonly stackDir: string;
  remove(): Promise<void>;
}

/**
 * Synthesises the stack of an environment into a folder of its own, unless it is interrupted.
 * @throws UserError with what the synthesis said, when it failed
 */
export async function synthesise(
  environment: string,
  interrupted: AbortSignal,
): Promise<Synthesised | "interrupted"> {
  const folder = await mkdtemp(join(tmpdir(), "couch-explorers-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const child = spawn(process.execPath, ["main.ts"], {
    cwd: PROJECT,
    env: { ...process.env, ENVIRONMENT: environment, CDKTF_OUTDIR: folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const kill = (): void => void child.kill();
  interrupted.addEventListener("abort", kill);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  interrupted.removeEventListener("abort", kill);
  if (code !== 0) {
    await remove();
    if (interrupted.aborted) return "interrupted";
    throw new UserError(complaints.trimEnd() || `The synthesis of ${environment} failed without a word.`);
  }
  process.stderr.write(complaints);
  return { stackDir: join(folder, "stacks", "pipeline"), remove };
}
