/** What Lambda keeps of an account's concurrency for functions without a reservation. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
const UNRESERVED = 100;

/** The part of the account's concurrency that one API may take: room for several environments and for others. */
const API_SHARE = 0.25;

/** The smallest account in which Lambda reserves the API its share. */
const SMALLEST_SHARED_ACCOUNT = Math.ceil(UNRESERVED / (1 - API_SHARE));

/** The consumer is not the only one: the spend breaker must run as well. */
const BREAKER_EXECUTIONS = 1;

/**
 * How many executions the API's function may have at once, so that callers who wait cannot starve the consumer.
 * Undefined in an account so small that Lambda reserves nothing: there the API does not wait for pictures.
 */
export function apiConcurrency(accountConcurrency: number): number | undefined {
  return accountConcurrency < SMALLEST_SHARED_ACCOUNT
    ? undefined
    : Math.floor(accountConcurrency * API_SHARE);
}

export interface ConcurrencyInput {
  readonly accountConcurrency: number;
  /** How many invocations of the consumer run at once. */
  readonly consumer: number;
  readonly throttling: { readonly burst: number; readonly ratePerSecond: number };
}

/** Why the API and the consumer do not fit into the account together; undefined where they do. */
export function concurrencyProblem({ accountConcurrency, consumer, throttling }: ConcurrencyInput) {
  const api = apiConcurrency(accountConcurrency);
  const others = consumer + BREAKER_EXECUTIONS;
  if (api !== undefined) {
    if (accountConcurrency - api >= others) return undefined;
    return {
      path: ["accountConcurrency"],
      message: `leaves ${accountConcurrency - api} executions beside the API, but the consumer and the spend breaker need ${others}. Fix: raise the quota of the account and this to ${Math.ceil(others / (1 - API_SHARE))}, or lower models[0].concurrency`,
    };
  }
  // A request that does not wait takes less than a second.
  const most = accountConcurrency - others;
  if (throttling.burst + throttling.ratePerSecond <= most) return undefined;
  return {
    path: ["api", "throttling"],
    message: `lets the API use up the account's ${accountConcurrency} executions: the consumer needs ${others} of them, and Lambda reserves nothing in an account below ${SMALLEST_SHARED_ACCOUNT}. Fix: ${most < 2 ? "" : `let burst and ratePerSecond be ${most} together, or `}raise the quota of the account and accountConcurrency to ${Math.max(SMALLEST_SHARED_ACCOUNT, Math.ceil(others / (1 - API_SHARE)))}`,
  };
}
