import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import pLimit from "p-limit";
import type { FunctionSpec } from "../stack/stack.ts";
import { systemErrorReason, UserError } from "../user-error.ts";
import { AccountConcurrency, DEFAULT_ACCOUNT_CONCURRENCY } from "./account-concurrency.ts";
import { type EnvironmentOutcome, LambdaEnvironment, runtimeSettings } from "./lambda-environment.ts";
import type { FunctionError } from "./lambda-protocol.ts";
import { nextTraceHeader } from "./trace-header.ts";

/** How long Lambda lets a function load, in milliseconds. */
const INIT_LIMIT_MS = 10_000;

/** The largest event, and the largest answer, in bytes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LARGEST_PAYLOAD = 6 * 1024 * 1024;

/** Environments that load at once would keep one another from loading within the limit. */
const startInTurn = pLimit(availableParallelism());

export type InvocationOutcome =
  | { readonly type: "result"; readonly payload: unknown }
  | { readonly type: "error"; readonly error: FunctionError }
  /** Nothing ran: as many invocations as the account or the function may have are under way. */
  | { readonly type: "throttled" }
  /** Nothing ran: Lambda takes the chain of events for a loop. */
  | { readonly type: "recursive" };

/**
 * Runs an invocation that has its place, and waits for its answer; every way to fail is an outcome, not an exception.
 * @param traceHeaders those that came with the event
 */
export type Invoke = (event: unknown, traceHeaders?: readonly string[]) => Promise<InvocationOutcome>;

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
  /** Shared by the functions of an account. Default: an account of the function's own. */
  readonly concurrency?: AccountConcurrency;
  readonly onInvocation: (report: InvocationReport) => void;
  readonly onLine: (line: LogLine) => void;
}

/** Runs one function from the zip that is uploaded to AWS. */
export class LambdaFunction {
  readonly #options: LambdaOptions;
  readonly #codeDirectories: string[] = [];
  readonly #concurrency: AccountConcurrency;
  readonly #idle: LambdaEnvironment[] = [];
  readonly #all = new Set<LambdaEnvironment>();
  /** Environments of an earlier code: what they are doing is the last that they do. */
  readonly #outdated = new WeakSet<LambdaEnvironment>();
  #spec: FunctionSpec;
  #codeDirectory = "";
  #running = 0;

  private constructor(options: LambdaOptions) {
    this.#spec = options.spec;
    this.#options = options;
    this.#concurrency =
      options.concurrency ?? new AccountConcurrency(DEFAULT_ACCOUNT_CONCURRENCY, [options.spec]);
  }

  static async create(options: LambdaOptions): Promise<LambdaFunction> {
    const created = new LambdaFunction(options);
    await created.update(options.spec);
    return created;
  }

  get spec(): FunctionSpec {
    return this.#spec;
  }

  /** Lets further invocations run another code and configuration of the function. Those under way end on theirs. */
  async update(spec: FunctionSpec): Promise<void> {
    const { functionName, zipFile } = spec;
    const zip = await readFile(zipFile).catch((error: unknown) => {
      throw new UserError(
        `Cannot read the code of ${functionName} at ${zipFile} (${systemErrorReason(error)}). Synthesise the stack again.`,
      );
    });
    const codeDirectory = await mkdtemp(join(tmpdir(), "lambda-"));
    this.#codeDirectories.push(codeDirectory);
    await unpack(zip, codeDirectory);
    this.#spec = spec;
    this.#codeDirectory = codeDirectory;
    for (const environment of this.#all) this.#outdated.add(environment);
    await Promise.all(this.#idle.splice(0).map((environment) => this.#discard(environment)));
  }

  /** Invocations under way. */
  get running(): number {
    return this.#running;
  }

  /** Invokes the function unless there is no place for it. */
  invoke: Invoke = async (event, traceHeaders) =>
    (await this.reserve()?.(event, traceHeaders)) ?? { type: "throttled" };

  /** A place for one invocation, which has to be used; undefined where there is none. */
  reserve(): Invoke | undefined {
    if (this.#concurrency.acquire(this.#spec)) return this.#invokeOnce;
    this.#report(randomUUID(), { type: "throttled" }, 0, undefined);
    return undefined;
  }

  readonly #invokeOnce: Invoke = async (event, traceHeaders = []) => {
    const requestId = randomUUID();
    this.#running += 1;
    try {
      const { arn, mayRecurse } = this.#spec;
      const traceHeader = nextTraceHeader(arn, traceHeaders, mayRecurse);
      if (traceHeader === undefined) return this.#report(requestId, { type: "recursive" }, 0, undefined);
      if (byteLength(event) > LARGEST_PAYLOAD) {
        return this.#report(requestId, tooLarge("RequestTooLargeException", "Request"), 0, undefined);
      }
      return await this.#run(requestId, event, traceHeader);
    } finally {
      this.#running -= 1;
      this.#concurrency.release(this.#spec);
    }
  };

  /** Ends every environment, whatever it is doing, and removes the unpacked code. */
  async stop(): Promise<void> {
    await Promise.all([...this.#all].map((environment) => environment.kill()));
    for (const directory of this.#codeDirectories) await rm(directory, { recursive: true, force: true });
  }

  async #run(requestId: string, event: unknown, traceHeader: string): Promise<InvocationOutcome> {
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
    const limitMs = this.#spec.timeoutSeconds * 1000;
    const answer = environment.invoke({ requestId, event, traceHeader, deadline: Date.now() + limitMs });
    const ended = await withinLimit(answer, limitMs);
    const durationMs = performance.now() - started;
    if (ended === "timeout" || ended.type === "exit" || this.#outdated.has(environment)) {
      await this.#discard(environment);
    } else {
      this.#idle.push(environment);
    }
    const outcome =
      ended === "timeout" ? timedOut(requestId, this.#spec.timeoutSeconds) : toOutcome(ended, requestId);
    return this.#report(requestId, outcome, durationMs, init?.initMs);
  }

  async #startEnvironment() {
    const { hostVariables, onLine } = this.#options;
    const spec = this.#spec;
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
    const { functionName } = this.#spec;
    this.#options.onInvocation({ functionName, requestId, outcome, durationMs, initMs });
    return outcome;
  }
}

function toOutcome(ended: EnvironmentOutcome, requestId: string): InvocationOutcome {
  if (ended.type === "result" && byteLength(ended.payload) > LARGEST_PAYLOAD) {
    return tooLarge("Function.ResponseSizeTooLarge", "Response");
  }
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

function tooLarge(errorType: string, what: "Request" | "Response"): InvocationOutcome {
  const message = `${what} payload size exceeded maximum allowed payload size (${LARGEST_PAYLOAD} bytes).`;
  return functionError(errorType, message);
}

function byteLength(payload: unknown): number {
  return Buffer.byteLength(JSON.stringify(payload) ?? "");
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
