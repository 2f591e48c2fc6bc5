/**
 * Something the person at the keyboard can put right. The message says what is wrong, where, and the fix,
 * in one line; it is shown without a stack trace.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The `code` of a Node.js system error (`EADDRINUSE`, `EACCES`…), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
