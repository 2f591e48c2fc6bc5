import { access, constants, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { systemErrorCode } from "./user-error.ts";

/**
 * Makes a folder that can be written to, with the folders that it is in, unless it is there.
 * Node.js's own recursive `mkdir` never returns where a parent takes no folders, as /proc does: it makes the parent,
 * finds it there, and tries the folder again.
 * @throws the error of the system call that failed
 */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder).catch(async (error: unknown) => {
    const code = systemErrorCode(error);
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  });
  // The slash makes it fail for a file.
  await access(`${folder}/`, constants.W_OK);
}
