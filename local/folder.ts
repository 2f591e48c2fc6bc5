import { access, constants, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { systemErrorCode, systemErrorReason, UserError } from "./user-error.ts";

const PURPOSES = { "--output": "write pictures to", "--state": "keep state in" } as const;

/** The options that name a folder to write to. */
type FolderOption = keyof typeof PURPOSES;

/** What to tell when the folder of an option cannot be written to. */
export function cannotWrite(option: FolderOption, folder: string, error: unknown): UserError {
  return new UserError(
    `Cannot ${PURPOSES[option]} ${folder} (${systemErrorReason(error)}). Name a folder you may write to with ${option} <folder>.`,
  );
}

/**
 * Makes the folder of an option, unless it is there.
 * @throws UserError where it cannot be written to
 */
export async function makeFolder(option: FolderOption, folder: string): Promise<void> {
  try {
    await makeWithParents(folder);
    // The slash makes it fail for a file.
    await access(`${folder}/`, constants.W_OK);
  } catch (error) {
    throw cannotWrite(option, folder, error);
  }
}

/** Node.js's own recursive `mkdir` tries for ever where a parent takes no folders, as /proc does. */
async function makeWithParents(folder: string): Promise<void> {
  await mkdir(folder).catch(async (error: unknown) => {
    const code = systemErrorCode(error);
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeWithParents(dirname(folder));
    await mkdir(folder);
  });
}
