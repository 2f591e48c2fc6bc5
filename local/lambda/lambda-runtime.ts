/**
 * The inside of one local execution environment: a child process that imports the function's bundle once and
 * runs one invocation after the other, as the managed Node.js runtime does.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { patchConsole } from "./lambda-console.ts";
import {
  type EnvironmentReport,
  type EnvironmentSettings,
  type InvokeCommand,
  toFunctionError,
} from "./lambda-protocol.ts";

type Handler = (event: unknown, context: object) => unknown;

let currentRequestId: string | undefined;

// Without a parent nobody would ever end this process.
process.once("disconnect", () => process.exit());
// Ctrl-C reaches every process of the terminal; when this one ends is for the parent to say.
process.on("SIGINT", () => {});
process.once("message", (settings: EnvironmentSettings) => void start(settings));

async function start(settings: EnvironmentSettings): Promise<void> {
  const started = performance.now();
  patchConsole(settings.logFormat, () => currentRequestId);
  try {
    const handler = await loadHandler(settings);
    process.on("message", (command: InvokeCommand) => void invoke(handler, command, settings));
    report({ type: "ready", initMs: performance.now() - started });
  } catch (error) {
    report({ type: "error", error: toFunctionError(error) });
  }
}

async function loadHandler({ codeDirectory, handler }: EnvironmentSettings): Promise<Handler> {
  const [moduleName = "", exportName = ""] = handler.split(".");
  const file = [".mjs", ".js", ".cjs"]
    .map((extension) => join(codeDirectory, `${moduleName}${extension}`))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw Object.assign(new Error(`Cannot find module '${moduleName}'`), {
      name: "Runtime.ImportModuleError",
    });
  }
  const module: unknown = await import(pathToFileURL(file).href);
  const found = exported(module, exportName) ?? exported(exported(module, "default"), exportName);
  if (!isHandler(found)) {
    throw Object.assign(new Error(`${handler} is undefined or not exported`), {
      name: "Runtime.HandlerNotFound",
    });
  }
  return found;
}

/** A CommonJS module whose names Node cannot see from outside has them on its default export. */
function exported(module: unknown, name: string): unknown {
  return typeof module === "object" && module !== null
    ? new Map(Object.entries(module)).get(name)
    : undefined;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}

async function invoke(
  handler: Handler,
  command: InvokeCommand,
  settings: EnvironmentSettings,
): Promise<void> {
  currentRequestId = command.requestId;
  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
  process.env._X_AMZN_TRACE_ID = command.traceHeader;
  const context = {
    awsRequestId: command.requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: settings.functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: settings.functionArn,
    memoryLimitInMB: String(settings.memoryMb),
    logGroupName: `/aws/lambda/${settings.functionName}`,
    logStreamName: `local/${process.pid}`,
    getRemainingTimeInMillis: () => Math.max(0, command.deadline - Date.now()),
  };
  try {
    report({ type: "result", payload: (await handler(command.event, context)) ?? null });
  } catch (error) {
    report({ type: "error", error: toFunctionError(error) });
  }
}

function report(message: EnvironmentReport): void {
  process.send?.(message);
}
