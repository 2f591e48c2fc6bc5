import { spawn } from "node:child_process";
import { createInterface } from "node:readline/promises";
import { SettingsError } from "../config/load.ts";
import { DeployError, explain } from "./errors.ts";

/** The environment that a command is about: the name of a file in `config/environments`. */
export const environment = process.env.ENVIRONMENT ?? "dev";

/** Terraform, or what the variable that cdktf-cli knows too names instead. */
export const terraformBinary = process.env.TERRAFORM_BINARY_NAME ?? "terraform";

export interface ToolOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to keep the output from the terminal, for output that only a program reads. Default: false. */
  readonly quiet?: boolean;
  /** The stack that advice is about. Default: the pipeline. */
  readonly stack?: string;
}

/** Runs a program, shows its output, and returns it. Throws a DeployError in plain words when it fails. */
export function run(program: string, args: readonly string[], options: ToolOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let all = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      all += text;
      if (options.quiet !== true) process.stdout.write(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      all += text;
      if (options.quiet !== true) process.stderr.write(text);
    });
    child.on("error", (error) => reject(explain(error.message) ?? error));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else
        reject(
          explain(all, options.stack) ??
            new DeployError(
              `Failed: ${program} ${args.join(" ")} (${signal ?? `exit code ${code}`}). What it printed says why.`,
            ),
        );
    });
  });
}

/** Runs Terraform on a synthesised stack. */
export function terraform(stack: string, args: readonly string[], options?: ToolOptions): Promise<string> {
  return run(terraformBinary, [`-chdir=cdktf.out/stacks/${stack}`, ...args], { ...options, stack });
}

/** Runs cdktf, which synthesises first. */
export function cdktf(args: readonly string[], options: ToolOptions = {}): Promise<string> {
  // cdktf would fetch checksums for a lock file, which goes with `cdktf.out`; the version is pinned exactly.
  const flags = args[0] === "synth" ? [] : ["--skip-provider-lock"];
  return run("node_modules/.bin/cdktf", [...args, ...flags, "--no-color"], {
    ...options,
    env: { ...options.env, ENVIRONMENT: environment },
  });
}

/** Asks for a word before going on. `--yes` answers for it. Throws a DeployError for any other answer. */
export async function confirm(question: string, word: string): Promise<void> {
  if (process.argv.includes("--yes")) return;
  if (!process.stdin.isTTY) {
    throw new DeployError("Nobody is there to answer. To go on without being asked, add: -- --yes");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} Type ${word} to go on: `);
  terminal.close();
  if (answer.trim() !== word) throw new DeployError("Stopped. Nothing was changed.");
}

/** Runs a command; what its user can put right is said in one line, without a stack trace. */
export async function command(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof DeployError || error instanceof SettingsError)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}
