import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../docs/performance.md", import.meta.url);

/** Replaces what stands between the markers of a section of `docs/performance.md`. */
export function writeSection(name: string, text: string): void {
  const before = readFileSync(FILE, "utf8");
  const section = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
  if (!section.test(before)) throw new Error(`docs/performance.md has no section ${name}`);
  writeFileSync(
    FILE,
    before.replace(section, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
  );
}
