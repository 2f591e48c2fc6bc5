import { makeFolder } from "../make-folder.ts";
import { systemErrorReason, UserError } from "../user-error.ts";

/** Fails early when the folder cannot take pictures, before anything is painted. */
export async function checkOutputFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** What to tell when a picture cannot be stored. */
export function cannotWrite(folder: string, error: unknown): UserError {
  const why = systemErrorReason(error);
  return new UserError(
    `Cannot write pictures to ${folder} (${why}). Name a folder you may write to with --output <folder>.`,
  );
}
