import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import pLimit from "p-limit";
import type { FunctionSpec } from "../stack/stack.ts";
import { systemErrorReason, UserError } from "../user-error.ts";
import { type EnvironmentOutcome, LambdaEnvironment, runtimeSettings } from "./lambda-environment.ts";
import type { FunctionError } from "./lambda-protocol.ts";

/** How long Lambda lets a function load, in milliseconds. */
const INIT_LIMIT_MS = 10_000;

/** Environments that load at once would keep one another from loading within the limit. */
const startInTurn = pLimit(availableParallelism());

export type InvocationOutcome =
  | { readonly type: "result"; readonly payload: unknown }
  | { readonly type: "error"; readonly error: FunctionError }
  /** Nothing ran: as many invocations as are reserved are under way. */
  | { readonly type: "throttled" };

/** What an invocation cost and how it ended. */
export interface InvocationReport {
  readonly functionName: string;
  readonly requestId: string;
  readonly outcome: InvocationOutcome;
  /** In milliseconds, without the cold start. */
  readonly durationMs: number;
  /** Cold start in milliseconds; undefined when the environment was warm. */
  readonly initMs: number | undefined;
}

/** A line that the function wrote. */
export interface LogLine {
  readonly functionName: string;
  readonly line: string;
}

export interface LambdaOptions {
  readonly spec: FunctionSpec;
  /** Variables beside the stack's own: credentials and service endpoints. */
  readonly hostVariables: Readonly<Record<string, string>>;
  readonly onInvocation: (report: InvocationReport) => void;
  readonly onLine: (line: LogLine) => void;
}

/** Runs one function from the zip that is uploaded to AWS. */
export class LambdaFunction {
  readonly spec: FunctionSpec;
  readonly #options: LambdaOptions;
  readonly #codeDirectory: string;
  readonly #idle: LambdaEnvironment[] = [];
  readonly #all = new Set<LambdaEnvironment>();
  #running = 0;

  private constructor(options: LambdaOptions, codeDirectory: string) {
    this.spec = options.spec;
    this.#options = options;
    this.#codeDirectory = codeDirectory;
  }

  static async create(options: LambdaOptions): Promise<LambdaFunction> {
    const { functionName, zipFile } = options.spec;
    const zip = await readFile(zipFile).catch((error: unknown) => {
      throw new UserError(
        `Cannot read the code of ${functionName} at ${zipFile} (${systemErrorReason(error)}). Synthesise the stack again.`,
      );
    });
    const codeDirectory = await mkdtemp(join(tmpdir(), "lambda-"));
    await unpack(zip, codeDirectory);
    return new LambdaFunction(options, codeDirectory);
  }

  /** Invocations under way. */
  get running(): number {
    return this.#running;
  }

  /** Invokes the function and waits for its answer; every way to fail is an outcome, not an exception. */
  async invoke(event: unknown): Promise<InvocationOutcome> {
    const requestId = randomUUID();
    const reserved = this.spec.reservedConcurrency;
    if (reserved !== undefined && this.#running >= reserved) {
      return this.#report(requestId, { type: "throttled" }, 0, undefined);
    }
    this.#running += 1;
    try {
      return await this.#run(requestId, event);
    } finally {
      this.#running -= 1;
    }
  }

  /** Ends every environment, whatever it is doing, and removes the unpacked code. */
  async stop(): Promise<void> {
    await Promise.all([...this.#all].map((environment) => environment.kill()));
    await rm(this.#codeDirectory, { recursive: true, force: true });
  }

  async #run(requestId: string, event: unknown): Promise<InvocationOutcome> {
    const warm = this.#idle.pop();
    const { environment, init } =
      warm === undefined
        ? await startInTurn(() => this.#startEnvironment())
        : { environment: warm, init: undefined };
    if (init === "timeout") {
      await this.#discard(environment);
      return this.#report(requestId, timedOut(requestId, INIT_LIMIT_MS / 1000), 0, INIT_LIMIT_MS);
    }
    if (init !== undefined && init.type !== "ready") {
      await this.#discard(environment);
      return this.#report(requestId, toOutcome(init, requestId), 0, undefined);
    }

    const started = performance.now();
    const limitMs = this.spec.timeoutSeconds * 1000;
    const answer = environment.invoke({ requestId, event, deadline: Date.now() + limitMs });
    const ended = await withinLimit(answer, limitMs);
    const durationMs = performance.now() - started;
    if (ended === "timeout" || ended.type === "exit") {
      await this.#discard(environment);
    } else {
      this.#idle.push(environment);
    }
    const outcome =
      ended === "timeout" ? timedOut(requestId, this.spec.timeoutSeconds) : toOutcome(ended, requestId);
    return this.#report(requestId, outcome, durationMs, init?.initMs);
  }

  async #startEnvironment() {
    const { spec, hostVariables, onLine } = this.#options;
    const environment = new LambdaEnvironment({
      settings: runtimeSettings(spec, this.#codeDirectory),
      variables: {
        // A home without ~/.aws: the host's own AWS configuration must not reach the function unasked.
        HOME: this.#codeDirectory,
        TZ: ":UTC",
        ...spec.environment,
        ...hostVariables,
        AWS_REGION: spec.region,
        AWS_LAMBDA_FUNCTION_NAME: spec.functionName,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_LOG_FORMAT: spec.logFormat,
        LAMBDA_TASK_ROOT: this.#codeDirectory,
        _HANDLER: spec.handler,
      },
      onLine: (line) => onLine({ functionName: spec.functionName, line }),
    });
    this.#all.add(environment);
    return { environment, init: await withinLimit(environment.init(), INIT_LIMIT_MS) };
  }

  async #discard(environment: LambdaEnvironment): Promise<void> {
    await environment.kill();
    this.#all.delete(environment);
  }

  #report(
    requestId: string,
    outcome: InvocationOutcome,
    durationMs: number,
    initMs: number | undefined,
  ): InvocationOutcome {
    const { functionName } = this.spec;
    this.#options.onInvocation({ functionName, requestId, outcome, durationMs, initMs });
    return outcome;
  }
}

function toOutcome(ended: EnvironmentOutcome, requestId: string): InvocationOutcome {
  if (ended.type !== "exit") return ended;
  const how = ended.signal === null ? `exit status ${ended.code ?? "unknown"}` : `signal: ${ended.signal}`;
  return functionError(
    "Runtime.ExitError",
    `RequestId: ${requestId} Error: Runtime exited with error: ${how}`,
  );
}

function timedOut(requestId: string, seconds: number): InvocationOutcome {
  return functionError(
    "Sandbox.Timedout",
    `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`,
  );
}

function functionError(errorType: string, errorMessage: string): InvocationOutcome {
  return { type: "error", error: { errorType, errorMessage } };
}

/** What the work comes to, unless it takes longer than the limit. */
export async function withinLimit<T>(work: Promise<T>, limitMs: number): Promise<T | "timeout"> {
  const { promise, resolve } = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => resolve("timeout"), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function unpack(zip: Uint8Array, directory: string): Promise<void> {
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    if (name.endsWith("/")) continue;
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}
