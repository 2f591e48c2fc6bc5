import { SECONDS_PER_PICTURE } from "../functions/domain/timing.ts";
import type { Settings, SettingsProblem } from "./settings.ts";

type ModelLimit = Pick<Settings["models"][number], "concurrency" | "requestsPerMinute">;

/** The calls in a minute that one call at once comes to. */
const CALLS_PER_MINUTE = 60 / SECONDS_PER_PICTURE;

/**
 * How many calls at once a model takes. From a limit per minute it follows by Little's law: calls under way = calls a
 * second × seconds for each. It is rounded down, since a throttled call goes to the next, dearer model of the chain.
 */
export function callsAtOnce({ concurrency, requestsPerMinute = 0 }: ModelLimit): number {
  return concurrency ?? Math.floor(requestsPerMinute / CALLS_PER_MINUTE);
}

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
  const [first] = models;
  if (first === undefined) return [];
  const consumer = callsAtOnce(first);
  const [name, factor] =
    first.concurrency === undefined ? ["requestsPerMinute", CALLS_PER_MINUTE] : ["concurrency", 1];
  if (consumer < SMALLEST_CONCURRENCY) {
    const calls =
      factor === 1
        ? `is below ${SMALLEST_CONCURRENCY}`
        : `keeps fewer than ${SMALLEST_CONCURRENCY} calls of ${SECONDS_PER_PICTURE} seconds under way`;
    return [
      {
        path: ["models", 0, name],
        message: `${calls}, the smallest maximum concurrency of a queue's consumer. Raise it to ${SMALLEST_CONCURRENCY * factor}`,
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
        message: `leaves ${left} executions beside the API, but the consumer and the spend breaker need ${others}. Raise the account's quota and this setting to ${enough}, or lower models[0].${name} to ${(left - BREAKER_EXECUTIONS) * factor}`,
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
