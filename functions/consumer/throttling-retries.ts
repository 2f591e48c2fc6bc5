import { StandardRetryStrategy } from "@smithy/core/retry";

type Refresh = StandardRetryStrategy["refreshRetryTokenForRetry"];

/** How often a call of a model is sent at the most, while the model answers that it is throttled. */
export const MOST_CALLS = 4;

/**
 * The SDK's standard back-off, for throttled calls alone: those are never paid, and a slot that waits a second for the
 * model is idle for less time than one that waits for the next batch. Any other call that failed may have been paid, and
 * a second one of the SDK's would be paid unseen.
 */
export class ThrottlingRetries extends StandardRetryStrategy {
  constructor() {
    super(MOST_CALLS);
  }

  override refreshRetryTokenForRetry(...[token, error]: Parameters<Refresh>): ReturnType<Refresh> {
    if (error.errorType !== "THROTTLING") return Promise.reject(new Error("not throttled"));
    return super.refreshRetryTokenForRetry(token, error);
  }
}
