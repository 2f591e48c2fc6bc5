/** What the process tells its caller. */
export const EXIT = {
  done: 0,
  /** The service refused, the network failed, or the request's picture could not be painted. */
  failed: 1,
  /** The command line, an input or an environment variable is wrong. */
  usage: 2,
  /** The request can never become a picture. */
  rejected: 3,
  timedOut: 4,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error for the person at the keyboard: one line that says what is wrong, where, and the fix. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command line, an input or an environment variable is wrong. */
export function usageError(message: string): ClientError {
  return new ClientError(message, EXIT.usage);
}

const controller = new AbortController();

/** Aborted by the first Ctrl-C or `SIGTERM`; a second one ends the process at once. */
export const interrupted: AbortSignal = controller.signal;

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
