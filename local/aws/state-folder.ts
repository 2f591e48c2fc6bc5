import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: Biome does not know this module of Node.js yet.
import { DatabaseSync } from "node:sqlite";
import { makeFolder } from "../folder.ts";
import { UserError } from "../user-error.ts";

/**
 * Makes the folder that keeps state across runs, and takes it for this process alone.
 * The lock is one of SQLite's, since Node.js has none: the system gives it back when the process ends, however it ends.
 * @returns gives the folder back
 * @throws UserError where it cannot be written to, or another process has it
 */
export async function openStateFolder(folder: string): Promise<() => void> {
  await makeFolder("--state", folder);
  const owner = join(folder, "owner.pid");
  const lock = new DatabaseSync(join(folder, "lock"));
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    // https://www.sqlite.org/rescode.html#busy
    if (!(error instanceof Error && "errcode" in error && error.errcode === 5)) throw error;
    throw new UserError(
      `Process ${await readFile(owner, "utf8")} keeps its state in ${folder}. Stop it, or name another folder with --state <folder>.`,
    );
  }
  await writeFile(owner, String(process.pid));
  return () => {
    if (lock.isOpen) lock.close();
  };
}
