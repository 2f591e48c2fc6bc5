import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SQSEvent } from "aws-lambda";
import { traceHeadersOf } from "../lambda/event-source.ts";
import { type EnvironmentOutcome, LambdaEnvironment, runtimeSettings } from "../lambda/lambda-environment.ts";
import { nextTraceHeader } from "../lambda/trace-header.ts";
import type { FunctionSpec } from "../stack/stack.ts";

const PRELOAD = new URL("./environment-preload.ts", import.meta.url).href;

/** How long an invocation may take, in milliseconds of real time: more than all of its calls that hang, on any machine. */
const LIMIT_MS = 60_000;

/** An execution environment at work on one message. */
export interface Invocation {
  readonly number: number;
  /** How far the environment's clock is off, in milliseconds. */
  readonly skewMs: number;
  /** When it has to end, by the environment's clock, in milliseconds since the epoch. */
  deadline: number;
  killed: boolean;
}

interface Environment {
  readonly name: string;
  readonly process: LambdaEnvironment;
  invocation: Invocation;
}

export interface EnvironmentsOptions {
  readonly spec: FunctionSpec;
  /** The bundle. */
  readonly code: Uint8Array;
  /** All that are the function's own, those of the stack included. */
  readonly variables: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/** The execution environments of one function, each a process that can be killed at any time. */
export class Environments {
  readonly #options: EnvironmentsOptions;
  readonly #codeDirectory = mkdtempSync(join(tmpdir(), "chaos-"));
  readonly #idle: Environment[] = [];
  readonly #all = new Map<string, Environment>();
  #started = 0;
  #invocations = 0;

  constructor(options: EnvironmentsOptions) {
    this.#options = options;
    writeFileSync(join(this.#codeDirectory, "index.js"), options.code);
  }

  /** Runs one invocation, unless Lambda would take it for a loop. Its environment's clock is off by `skewMs`. */
  async invoke(
    event: SQSEvent,
    skewMs: number,
  ): Promise<{ readonly outcome: EnvironmentOutcome; readonly invocation: Invocation } | "recursive"> {
    const { arn, mayRecurse } = this.#options.spec;
    const traceHeader = nextTraceHeader(arn, traceHeadersOf(event), mayRecurse);
    if (traceHeader === undefined) return "recursive";
    this.#invocations += 1;
    const invocation = { number: this.#invocations, skewMs, deadline: 0, killed: false };
    const environment = this.#idle.pop() ?? (await this.#start(invocation));
    environment.invocation = invocation;
    // Only now: the environment has started.
    invocation.deadline = Date.now() + skewMs + this.#lifetimeMs;
    const limit = setTimeout(() => void this.kill(environment.name), LIMIT_MS);
    const outcome = await environment.process.invoke({
      requestId: `invocation-${invocation.number}`,
      ...{ event, deadline: invocation.deadline, traceHeader },
    });
    clearTimeout(limit);
    if (outcome.type === "exit") this.#all.delete(environment.name);
    else this.#idle.push(environment);
    return { outcome, invocation };
  }

  /** What an environment is at work on, or was at last. */
  invocationOf(name: string): Invocation {
    const environment = this.#all.get(name);
    if (environment === undefined) throw new Error(`${name} is gone`);
    return environment.invocation;
  }

  async kill(name: string): Promise<void> {
    const environment = this.#all.get(name);
    if (environment === undefined) return;
    environment.invocation.killed = true;
    await environment.process.kill();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#all.values()].map(({ process }) => process.kill()));
    await rm(this.#codeDirectory, { recursive: true });
  }

  get #lifetimeMs(): number {
    return this.#options.spec.timeoutSeconds * 1000;
  }

  async #start(invocation: Invocation): Promise<Environment> {
    const { spec, variables, onLine } = this.#options;
    this.#started += 1;
    const name = `environment-${this.#started}`;
    const started = new LambdaEnvironment({
      settings: runtimeSettings(spec, this.#codeDirectory),
      variables: {
        ...variables,
        AWS_REGION: spec.region,
        AWS_LAMBDA_FUNCTION_NAME: spec.functionName,
        AWS_ACCESS_KEY_ID: name,
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_SESSION_TOKEN: spec.functionName,
        CHAOS_LIFETIME_MS: String(this.#lifetimeMs),
        NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${PRELOAD}`,
      },
      onLine,
    });
    const init = await started.init();
    if (init.type !== "ready") throw new Error(`The function does not load: ${JSON.stringify(init)}`);
    const environment = { name, process: started, invocation };
    this.#all.set(name, environment);
    return environment;
  }
}
