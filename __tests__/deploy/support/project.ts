import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { cloneSources } from "../../support/clone-sources.ts";
import { type Credentials, emulatedAws } from "./environment.ts";

export const rootCredentials: Credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** What a command has printed, both streams in one, and how it has ended. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** A command that runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Types keys once the output has a text; for a command in a terminal. */
  type(keys: string, after: RegExp): Promise<void>;
}

/** What the key sends in a terminal. */
export const CTRL_C = "\x03";
export const CTRL_D = "\x04";

/** Runs a command in a terminal of its own, which gets what stdin has. */
const IN_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/** A clone of this repository, with its credentials for an emulated AWS. */
export class Project {
  readonly folder = cloneSources();
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** Runs an npm script of the project. */
  npm(script: string, options?: RunOptions): Promise<Outcome> {
    return this.start(script, options).outcome;
  }

  /** Starts an npm script of the project. */
  start(script: string, { args = [], ...options }: RunOptions = {}): Running {
    return this.#spawn(["npm", "run", "--silent", script, "--", ...args], options);
  }

  /** Runs cdktf as somebody types it, but for the checksums that it would fetch from the internet. */
  cdktf(...args: string[]): Promise<Outcome> {
    return this.#spawn(["npx", "cdktf", ...args], { env: { CDKTF_SKIP_PROVIDER_LOCK: "true" } }).outcome;
  }

  #spawn(
    command: readonly string[],
    { env = {}, credentials = rootCredentials, terminal = false }: Omit<RunOptions, "args">,
  ): Running {
    const [program = "", ...rest] = terminal ? ["python3", "-c", IN_TERMINAL, ...command] : command;
    const child = spawn(program, rest, {
      cwd: this.folder,
      env: this.environment(credentials, env),
      stdio: [terminal ? "pipe" : "ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (text: Buffer) => {
      output += text.toString();
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    const outcome = once(child, "close").then(() => ({ code: child.exitCode, output }));
    return {
      process: child,
      outcome,
      async type(keys, after) {
        const { stdin, stdout } = child;
        if (stdin === null || stdout === null) throw new Error("the command is in no terminal");
        while (!after.test(output) && child.exitCode === null) {
          await Promise.race([once(stdout, "data"), outcome]);
        }
        stdin.write(keys);
      },
    };
  }

  /** Changes a file of the clone. Fails when the text is not in it. */
  edit(path: string, from: string, to: string): void {
    const file = join(this.folder, path);
    const text = readFileSync(file, "utf8");
    if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
    writeFileSync(file, text.replace(from, to));
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  environment(credentials: Credentials, extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return { ...emulatedAws(this.#endpoint, credentials, inject("terraformConfig")), ...extra };
  }
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly credentials?: Credentials;
  /** Whether the command is in a terminal, where somebody types. Default: false. */
  readonly terminal?: boolean;
}
