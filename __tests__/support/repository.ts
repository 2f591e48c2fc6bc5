import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import type { StackResources } from "../../ops/policies/rule.ts";

const ROOT = new URL("../../", import.meta.url);
const WORKFLOWS = ".github/workflows/";
const yamlSchema = z.record(z.string(), z.unknown());

/** What rules are about besides stacks: the workflows, and the client's Dockerfile. */
export function readRepository(): StackResources {
  const all: Record<string, Record<string, Record<string, unknown>>> = {
    github_workflow: Object.fromEntries(
      readdirSync(new URL(WORKFLOWS, ROOT)).map((file) => [
        file.replace(/\.yml$/, ""),
        yamlSchema.parse(parse(read(`${WORKFLOWS}${file}`))),
      ]),
    ),
    dockerfile: { client: { instructions: instructionsOf(read("client/Dockerfile")) } },
  };
  return { resources: (type) => all[type] ?? {} };
}

function instructionsOf(dockerfile: string): { readonly name: string; readonly value: string }[] {
  const lines = dockerfile
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n");
  return lines.flatMap((line) => {
    const [, name = "", value = ""] = /^(\w+)\s+(.+)$/.exec(line) ?? [];
    return name === "" ? [] : [{ name: name.toUpperCase(), value }];
  });
}

function read(file: string): string {
  return readFileSync(new URL(file, ROOT), "utf8");
}
