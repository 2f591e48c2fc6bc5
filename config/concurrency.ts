import type { Settings, SettingsProblem } from "./settings.ts";

/** The concurrency that Lambda keeps for functions without a reservation. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
const UNRESERVED = 100;

/** The share of the account's concurrency for one API: other environments and functions need the rest. */
const API_SHARE = 0.25;

/** The smallest account in which Lambda can reserve that share. */
const SMALLEST_SHARED_ACCOUNT = Math.ceil(UNRESERVED / (1 - API_SHARE));

/** For the spend breaker, which must always be able to run. */
const BREAKER_EXECUTIONS = 1;

/**
 * The reserved concurrency of the API's function, so that waiting callers cannot starve the consumer. Undefined in an
 * account that is too small for a reservation: there the API does not wait for pictures.
 */
export function apiConcurrency(accountConcurrency: number): number | undefined {
  return accountConcurrency < SMALLEST_SHARED_ACCOUNT
    ? undefined
    : Math.floor(accountConcurrency * API_SHARE);
}

/** How many executions the account has for the consumer. */
export function consumerConcurrency(accountConcurrency: number): number {
  return accountConcurrency - (apiConcurrency(accountConcurrency) ?? 0) - BREAKER_EXECUTIONS;
}

/** The smallest maximum concurrency of an SQS event source. */
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html#events-sqs-max-concurrency
const SMALLEST_CONCURRENCY = 2;

/** Reports a concurrency that Lambda does not accept, and an API and a consumer that do not fit into the account. */
export function concurrencyProblems({
  accountConcurrency,
  models,
  api,
}: Pick<Settings, "accountConcurrency" | "models" | "api">): SettingsProblem[] {
  const consumer = models[0]?.concurrency ?? 0;
  if (consumer < SMALLEST_CONCURRENCY) {
    return [
      {
        path: ["models", 0, "concurrency"],
        message: `is below ${SMALLEST_CONCURRENCY}, the smallest maximum concurrency of a queue's consumer. Raise it to ${SMALLEST_CONCURRENCY}`,
      },
    ];
  }
  const others = consumer + BREAKER_EXECUTIONS;
  const enough = Math.ceil(others / (1 - API_SHARE));
  const reserved = apiConcurrency(accountConcurrency);
  if (reserved !== undefined) {
    const left = accountConcurrency - reserved;
    if (left >= others) return [];
    return [
      {
        path: ["accountConcurrency"],
        message: `leaves ${left} executions beside the API, but the consumer and the spend breaker need ${others}. Raise the account's quota and this setting to ${enough}, or lower models[0].concurrency`,
      },
    ];
  }
  // A request that does not wait takes less than a second.
  const most = accountConcurrency - others;
  const { burst, ratePerSecond } = api.throttling;
  if (burst + ratePerSecond <= most) return [];
  const raise = `raise the account's quota and accountConcurrency to ${Math.max(SMALLEST_SHARED_ACCOUNT, enough)}`;
  const advice =
    most < 2 ? `R${raise.slice(1)}` : `Lower burst and ratePerSecond to ${most} together, or ${raise}`;
  return [
    {
      path: ["api", "throttling"],
      message: `lets the API use all ${accountConcurrency} executions of the account: the consumer needs ${others} of them, and Lambda reserves none in an account below ${SMALLEST_SHARED_ACCOUNT}. ${advice}`,
    },
  ];
}
