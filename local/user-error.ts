import { getSystemErrorMessage } from "node:util";

/**
 * Something the person at the keyboard can put right. The message says what is wrong, where, and the fix,
 * in one line; it is shown without a stack trace.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** Why a system call failed, in words ("no such file or directory"); any other error as text. */
export function systemErrorReason(error: unknown): string {
  return error instanceof Error && "errno" in error && typeof error.errno === "number"
    ? getSystemErrorMessage(error.errno)
    : String(error);
}

/** The `code` of a Node.js system error (`EADDRINUSE`, `EACCES`…), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
