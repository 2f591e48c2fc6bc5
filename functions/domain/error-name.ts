/** What a log may say of an error: its name. Messages can have a sender's words in them. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
