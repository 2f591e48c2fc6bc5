import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { callsTable } from "../bench/work.ts";

it("calls AWS for a picture, and for a duplicate, as often as docs/performance.md says", async () => {
  const documented = readFileSync(new URL("../docs/performance.md", import.meta.url), "utf8");
  expect(documented).toContain(await callsTable());
});
