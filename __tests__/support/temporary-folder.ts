import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { sharedFolder } from "./make-once.ts";

/** Has this process, and those that it starts, make their temporary folders in one, which the returned function removes. */
export default function setup(project?: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "couch-explorers-"));
  process.env.TMPDIR = folder;
  // With --watch the source has changed since.
  project?.onTestsRerun(() => rmSync(sharedFolder(), { recursive: true, force: true }));
  return () => rmSync(folder, { recursive: true, force: true });
}
