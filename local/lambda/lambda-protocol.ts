/** What the two sides of a local Lambda environment tell each other over the fork's channel. */

export interface InvokeCommand {
  readonly requestId: string;
  readonly event: unknown;
  /** When the invocation will be killed, in milliseconds since the epoch. */
  readonly deadline: number;
  /** What AWS's SDKs pass on with each call; see `nextTraceHeader`. */
  readonly traceHeader: string;
}

/** What the environment is, told once when it starts. */
export interface EnvironmentSettings {
  /** Folder of the unpacked zip. */
  readonly codeDirectory: string;
  readonly handler: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
  readonly logFormat: "JSON" | "Text";
}

/** Lambda's own shape of a function error. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type EnvironmentReport =
  | { readonly type: "ready"; readonly initMs: number }
  | { readonly type: "result"; readonly payload: unknown }
  | { readonly type: "error"; readonly error: FunctionError };

/** Lambda's shape of anything that was thrown. */
export function toFunctionError(thrown: unknown): FunctionError {
  if (!(thrown instanceof Error)) return { errorType: typeof thrown, errorMessage: String(thrown) };
  return {
    errorType: thrown.name,
    errorMessage: thrown.message,
    trace: thrown.stack?.split("\n") ?? [],
  };
}
