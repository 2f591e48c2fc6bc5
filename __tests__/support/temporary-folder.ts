import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Has this process, and those that it starts, make their temporary folders in one, which the returned function removes. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "couch-explorers-"));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
