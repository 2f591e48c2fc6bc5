import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { cloneSources } from "../../support/clone-sources.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** One for each test file. */
const pluginCache = mkdtempSync(join(tmpdir(), "couch-providers-"));

export const rootCredentials: Credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** Who is told of alarms, in every deployment of the tests. */
export const ALARM_EMAIL = "on-call@example.com";

/** What a command has printed, both streams in one, and how it has ended. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** A command that runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

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

  start(script: string, { args = [], env = {}, credentials = rootCredentials }: RunOptions = {}): Running {
    const child = spawn("npm", ["run", "--silent", script, "--", ...args], {
      cwd: this.folder,
      env: this.environment(credentials, env),
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that a test can kill all of it, as a machine that goes away does.
      detached: true,
    });
    let output = "";
    const collect = (text: Buffer) => {
      output += text.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const outcome = once(child, "close").then(() => ({ code: child.exitCode, output }));
    return { process: child, outcome };
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
    const { PATH, HOME, TERRAFORM_BINARY_NAME } = process.env;
    const config = inject("terraformConfig");
    return {
      PATH,
      HOME,
      ...(TERRAFORM_BINARY_NAME !== undefined && { TERRAFORM_BINARY_NAME }),
      // cdktf shares a cache of providers between all projects, which two of them must not fill at once:
      // https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
      ...(config === ""
        ? { TF_PLUGIN_CACHE_DIR: pluginCache }
        : { TF_CLI_CONFIG_FILE: config, CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1" }),
      AWS_ENDPOINT_URL: this.#endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
      TF_VAR_alarm_email: ALARM_EMAIL,
      AWS_EC2_METADATA_DISABLED: "true",
      CHECKPOINT_DISABLE: "1",
      ...extra,
    };
  }
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly credentials?: Credentials;
}
