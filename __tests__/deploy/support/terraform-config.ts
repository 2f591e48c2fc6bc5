import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Terraform's CLI configuration that is set already, else one for a provider mirror on this machine, else an empty text. */
export function findTerraformConfig(): string {
  const given = process.env.TF_CLI_CONFIG_FILE;
  if (given !== undefined && existsSync(given)) return given;
  const suffix = "registry.terraform.io/hashicorp/aws";
  const [found] = find([
    "/",
    "-xdev",
    "-maxdepth",
    "6",
    "-type",
    "d",
    "-path",
    `*/${suffix}`,
    "-print",
    "-quit",
  ]);
  if (found === undefined) return "";
  const file = join(mkdtempSync(join(tmpdir(), "couch-terraform-")), "config.tfrc");
  const path = dirname(dirname(dirname(found)));
  writeFileSync(file, `provider_installation {\n  filesystem_mirror { path = ${JSON.stringify(path)} }\n}\n`);
  return file;
}

function find(args: readonly string[]): string[] {
  try {
    return lines(execFileSync("find", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  } catch (error) {
    // find fails when it may not read some folder, and yet prints what it has found.
    return lines(error instanceof Error && "stdout" in error ? String(error.stdout) : "");
  }
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
