import { format } from "node:util";
import { toFunctionError } from "./lambda-protocol.ts";

const LEVELS = {
  trace: "TRACE",
  debug: "DEBUG",
  log: "INFO",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
} as const;
type Method = keyof typeof LEVELS;
const METHODS: readonly Method[] = ["trace", "debug", "log", "info", "warn", "error"];

/** Makes `console` write one line a call to stdout, in the shape of Lambda's log format. */
export function patchConsole(logFormat: "JSON" | "Text", requestId: () => string | undefined): void {
  for (const method of METHODS) {
    const level = LEVELS[method];
    console[method] = (...parameters: unknown[]) => {
      const timestamp = new Date().toISOString();
      const line =
        logFormat === "JSON"
          ? jsonLine({ timestamp, level, requestId: requestId() }, parameters)
          : `${timestamp}\t${requestId() ?? "undefined"}\t${level}\t${format(...parameters)}`;
      process.stdout.write(`${line}\n`);
    };
  }
}

function jsonLine(
  head: Readonly<Record<string, string | undefined>>,
  parameters: readonly unknown[],
): string {
  const error = parameters.find((parameter) => parameter instanceof Error);
  // A single object stays an object, so that its fields can be queried; an error says what it is beside the text.
  const message = parameters.length === 1 && error === undefined ? parameters[0] : format(...parameters);
  const { errorType, errorMessage, trace: stackTrace } = error === undefined ? {} : toFunctionError(error);
  return JSON.stringify({ ...head, message, errorType, errorMessage, stackTrace });
}
