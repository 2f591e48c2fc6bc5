import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Holds what is made from the source once, for all test files of a run; inside the run's temporary folder. */
export function sharedFolder(): string {
  return join(tmpdir(), "made-once");
}

/**
 * Gives a folder that `make` has filled: in this test file, or in another one of the same run.
 * @param name says what is in the folder, and from which input it was made
 */
export function makeOnce(name: string, make: (folder: string) => void): string {
  const folder = join(sharedFolder(), name);
  if (existsSync(folder)) return folder;
  mkdirSync(sharedFolder(), { recursive: true });
  const mine = mkdtempSync(`${folder}-`);
  make(mine);
  try {
    // Nobody ever sees a folder that is half made.
    renameSync(mine, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(mine, { recursive: true });
  }
  return folder;
}
