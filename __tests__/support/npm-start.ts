import { type ChildProcessByStdio, spawn } from "node:child_process";
import { on } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** A local cloud in a process of its own, and all that it has printed. */
export interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly output: { stdout: string; stderr: string };
}

/** Does what `npm start -- <options>` does, in this folder or in a clone of it. */
export function npmStart(options: readonly string[], env = process.env, project = process.cwd()): Started {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(project, "local/command-line/start.ts"), ...options],
    { stdio: ["ignore", "pipe", "pipe"], env },
  );
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  return { child, output };
}

/** Resolves to what matches, once it has been printed. */
export async function printed(
  { child, output }: Started,
  where: "stdout" | "stderr",
  pattern: RegExp,
): Promise<RegExpExecArray> {
  const find = () => pattern.exec(output[where]);
  let found = find();
  if (found === null && !child[where].closed) {
    for await (const _ of on(child[where], "data", { close: ["close"] })) {
      found = find();
      if (found !== null) break;
    }
  }
  if (found === null) throw new Error(`${pattern} was never printed, only: ${output[where]}`);
  return found;
}
