import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { terraformBinary } from "../../../ops/tool.ts";

export interface Tools {
  /** What is needed and this machine has not; empty when all is there. */
  readonly missing: string;
  /** Terraform's CLI configuration that names a provider mirror; empty to ask the registry. */
  readonly terraformConfig: string;
}

const VENV = ".build/python/bin/python3";
/** The Python that has the emulator: the project's virtual environment where there is one, else the machine's. */
export const python = existsSync(VENV) ? VENV : "python3";

/** Looks for Terraform, the emulator of AWS and the provider. */
export async function findTools(): Promise<Tools> {
  const terraformConfig = findTerraformConfig();
  const missing = [
    ...(works(terraformBinary, ["version"]) ? [] : ["Terraform 1.11 or newer"]),
    ...(terraformConfig !== "" || (await registryAnswers())
      ? []
      : ["the AWS provider: registry.terraform.io, or a mirror that TF_CLI_CONFIG_FILE names"]),
    ...(works(python, ["-c", "import moto.server"])
      ? []
      : [
          "moto. Type: python3 -m venv .build/python && .build/python/bin/pip install --no-deps --requirement __tests__/deploy/requirements.txt",
        ]),
  ].join("; ");
  return { missing, terraformConfig };
}

async function registryAnswers(): Promise<boolean> {
  const answer = await fetch("https://registry.terraform.io/.well-known/terraform.json", {
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined);
  return answer?.ok === true;
}

function works(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Terraform's CLI configuration that is set already, else one for a provider mirror on this machine, else an empty text. */
function findTerraformConfig(): string {
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
