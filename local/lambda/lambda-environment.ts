import { type ChildProcess, fork, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FunctionSpec } from "../stack/stack.ts";
import type {
  EnvironmentReport,
  EnvironmentSettings,
  FunctionError,
  InvokeCommand,
} from "./lambda-protocol.ts";

const RUNTIME = fileURLToPath(new URL("./lambda-runtime.ts", import.meta.url));

export type EnvironmentOutcome =
  | { readonly type: "result"; readonly payload: unknown }
  | { readonly type: "error"; readonly error: FunctionError }
  /** The process is gone: it was killed, crashed, or left. */
  | { readonly type: "exit"; readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** What an environment has to know of its function. */
export function runtimeSettings(spec: FunctionSpec, codeDirectory: string): EnvironmentSettings {
  const { handler, functionName, arn, memoryMb, logFormat } = spec;
  return { codeDirectory, handler, functionName, functionArn: arn, memoryMb, logFormat };
}

export interface EnvironmentOptions {
  readonly settings: EnvironmentSettings;
  /** The child's whole environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/**
 * One execution environment: a process that holds the loaded function and runs one invocation at a time. Between
 * invocations it is frozen: neither its timers nor its connections notice that time passes.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
export class LambdaEnvironment {
  readonly #child: ChildProcess;
  readonly #exited: Promise<EnvironmentOutcome>;
  /** The next report of the child that nobody asked for yet. */
  #next: PromiseWithResolvers<EnvironmentReport> = Promise.withResolvers();

  constructor({ settings, variables, onLine }: EnvironmentOptions) {
    this.#child = fork(RUNTIME, {
      env: variables,
      execArgv: [`--max-old-space-size=${settings.memoryMb}`],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", onLine);
    }
    this.#child.on("message", (report: EnvironmentReport) => {
      const waiting = this.#next;
      this.#next = Promise.withResolvers();
      waiting.resolve(report);
    });
    const exit = Promise.withResolvers<EnvironmentOutcome>();
    // "close" rather than "exit": the last words on stdout count too.
    this.#child.once("close", (code, signal) => exit.resolve({ type: "exit", code, signal }));
    this.#child.once("error", () => exit.resolve({ type: "exit", code: null, signal: null }));
    this.#exited = exit.promise;
    killWithParent(this.#child);
    this.#send(settings);
  }

  /** Loads the function. Resolves to how long that took, in milliseconds, or to why it did not work. */
  async init(): Promise<{ readonly type: "ready"; readonly initMs: number } | EnvironmentOutcome> {
    return await Promise.race([this.#next.promise, this.#exited]);
  }

  async invoke(command: InvokeCommand): Promise<EnvironmentOutcome> {
    const report = this.#next.promise;
    this.#child.kill("SIGCONT");
    this.#send(command);
    const outcome = await Promise.race([report, this.#exited]);
    if (outcome.type !== "exit") this.#child.kill("SIGSTOP");
    return outcome.type === "ready"
      ? { type: "error", error: { errorType: "Runtime.Unknown", errorMessage: "The runtime started twice." } }
      : outcome;
  }

  /** Ends the process at once and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  #send(message: EnvironmentSettings | InvokeCommand): void {
    // A child that is already gone is reported by its exit; without a callback the send would throw as well.
    this.#child.send(message, () => {});
  }
}

/** A frozen process does not notice that its parent has died, however it died: a shell waits for that and ends it. */
function killWithParent(child: ChildProcess): void {
  const script = `trap '' INT HUP TERM; read line; kill -KILL ${child.pid}`;
  const watch = spawn("sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"] });
  child.once("exit", () => watch.kill("SIGKILL"));
}
