import type { FunctionSpec } from "../stack/stack.ts";
import { UserError } from "../user-error.ts";

/** What an account starts with; many new ones have 10. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const DEFAULT_ACCOUNT_CONCURRENCY = 1000;

/** So much of an account's concurrency cannot be reserved; in an account that has no more than that, nothing can be. */
const UNRESERVED = 100;

/**
 * How many invocations may run at once in the whole account. Functions without a reservation share what is left.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
 */
export class AccountConcurrency {
  readonly #unreserved: number;
  readonly #running = new Map<string, number>();

  /** @throws UserError where the functions reserve more than the account lets them */
  constructor(limit: number, functions: readonly FunctionSpec[]) {
    const reserved = functions.reduce((sum, { reservedConcurrency = 0 }) => sum + reservedConcurrency, 0);
    const least = Math.min(UNRESERVED, limit);
    this.#unreserved = limit - reserved;
    if (reserved > 0 && this.#unreserved < least) {
      throw new UserError(
        `The functions reserve a concurrency of ${reserved}, and an account with ${limit} must leave ${least} unreserved. Reserve less, or ask AWS for more with Service Quotas.`,
      );
    }
  }

  /** @returns whether the invocation may run; one that may has to be {@link release | released} */
  acquire({ functionName, reservedConcurrency }: FunctionSpec): boolean {
    const pool = reservedConcurrency === undefined ? "" : functionName;
    const running = this.#running.get(pool) ?? 0;
    if (running >= (reservedConcurrency ?? this.#unreserved)) return false;
    this.#running.set(pool, running + 1);
    return true;
  }

  release({ functionName, reservedConcurrency }: FunctionSpec): void {
    const pool = reservedConcurrency === undefined ? "" : functionName;
    this.#running.set(pool, (this.#running.get(pool) ?? 1) - 1);
  }
}
