import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { SettingsError } from "../config/load.ts";
import { DeployError, explain } from "./errors.ts";

/** The environment of a command: the name of a file in `config/environments`. */
export const environment = process.env.ENVIRONMENT ?? "dev";

/** cdktf-cli reads this variable too. */
export const terraformBinary = process.env.TERRAFORM_BINARY_NAME ?? "terraform";

export interface ToolOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to keep the output off the terminal. Default: false. */
  readonly quiet?: boolean;
  /** The stack in the explanation of an error. Default: the pipeline. */
  readonly stack?: string;
  /** The message after an interruption: the state, and what to type next. Default: nothing was changed. */
  readonly interrupted?: string;
  /** Passes a signal on; returns false if nothing could take it. Default: sends it to the program. */
  readonly passOn?: (signal: NodeJS.Signals) => boolean;
}

const STOPPED = "Stopped. Nothing was changed.";

/** A second signal within this time is the same one, in milliseconds: npm passes on what the terminal has sent too. */
const REPETITION_MS = 1000;

/**
 * Runs a program, shows its output, and returns it. Throws a DeployError if it fails, or if SIGINT or SIGTERM interrupts
 * it, after the program has ended by itself.
 */
export function run(program: string, args: readonly string[], options: ToolOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      // Keeps the terminal's Ctrl-C away from cdktf, which would exit at once and kill Terraform while it holds the lock.
      detached: true,
    });
    const { passOn = (signal) => child.kill(signal) } = options;
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
    let interrupted: number | undefined;
    const interrupt = (signal: NodeJS.Signals) => {
      const now = Date.now();
      if (interrupted !== undefined && now - interrupted < REPETITION_MS) return;
      interrupted = now;
      // At a second signal Terraform stops without saving the state.
      // https://github.com/hashicorp/terraform/blob/v1.11.4/internal/command/views/operation.go
      if (!passOn(signal)) child.kill("SIGKILL");
    };
    process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
    child.on("error", (error) => reject(explain(error.message) ?? error));
    child.on("close", (code, signal) => {
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      if (code === 0 && interrupted === undefined) return resolve(stdout);
      const how =
        interrupted !== undefined
          ? (options.interrupted ?? STOPPED)
          : `Failed: ${program} ${args.join(" ")} (${signal ?? `exit code ${code}`}). The output above has the reason.`;
      reject(explain(all, options.stack) ?? new DeployError(how));
    });
  });
}

/** Runs Terraform on a synthesised stack. */
export function terraform(stack: string, args: readonly string[], options?: ToolOptions): Promise<string> {
  return run(terraformBinary, [`-chdir=cdktf.out/stacks/${stack}`, ...args], { ...options, stack });
}

/** The folder may still be connected with the state of another environment: do not migrate that state. */
const RECONFIGURE = "-reconfigure";

/** Where `ops/terraform.sh` writes its process id. */
const TERRAFORM_PID = resolve("cdktf.out/terraform.pid");

/** Sends a signal to the Terraform that cdktf has started. Returns false if none runs. */
function signalTerraform(signal: NodeJS.Signals): boolean {
  try {
    const pid = Number.parseInt(readFileSync(TERRAFORM_PID, "utf8"), 10);
    return pid > 0 && process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Runs cdktf. While no Terraform runs, a signal ends cdktf at once: it changes nothing by itself. */
export function cdktf(args: readonly string[], options: ToolOptions = {}): Promise<string> {
  rmSync(TERRAFORM_PID, { force: true });
  // Saves cdktf the download of checksums for a lock file in `cdktf.out`. The version is pinned exactly.
  const flags = args[0] === "synth" ? [] : ["--skip-provider-lock"];
  return run("node_modules/.bin/cdktf", [...args, ...flags, "--no-color"], {
    ...options,
    env: {
      ...options.env,
      ENVIRONMENT: environment,
      // Plain lines, no spinner.
      CI: "true",
      TERRAFORM: terraformBinary,
      TERRAFORM_BINARY_NAME: resolve("ops/terraform.sh"),
      TERRAFORM_PID,
      TF_CLI_ARGS_init: RECONFIGURE,
    },
    passOn: signalTerraform,
  });
}

/** Synthesises the pipeline and initialises Terraform in its stack. */
export async function openPipeline(): Promise<void> {
  await cdktf(["synth"]);
  await terraform("pipeline", ["init", "-input=false", RECONFIGURE]);
}

/** Asks the user to type a word to continue, unless `--yes` is given. Throws a DeployError for any other answer. */
export async function confirm(question: string, word: string): Promise<void> {
  if (process.argv.includes("--yes")) return;
  if (!process.stdin.isTTY) {
    throw new DeployError(
      "Cannot ask for confirmation: this is not a terminal. To continue without a question, add: -- --yes",
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} Type ${word} to continue: `).catch((error: unknown) => {
    // Ctrl-C and Ctrl-D.
    if (error instanceof Error && error.name === "AbortError") return "";
    throw error;
  });
  terminal.close();
  if (answer.trim() !== word) throw new DeployError(STOPPED);
}

/** Runs a command. Prints an error that its user can solve as one line, without a stack trace. */
export async function command(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof DeployError || error instanceof SettingsError)) throw error;
    console.error(`\n${error.message}`);
    if (process.env.GITHUB_ACTIONS === "true") console.log(annotation(error.message));
    process.exitCode = 1;
  }
}

/**
 * Formats an error for the top of the page of a workflow run.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
 */
function annotation(message: string): string {
  const text = message.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  return `::error title=npm run ${process.env.npm_lifecycle_event} failed for ${environment}::${text}`;
}
