/** Invocations at once that Lambda begins with. It adds as many each second that messages wait: 300 a minute. */
export const FIRST_INVOCATIONS = 5;
const MORE_PER_SECOND = 300 / 60;
const MOST_INVOCATIONS = 1250;

/** The pause until one more invocation may start, in seconds. */
export const RAMP_STEP_SECONDS = 1 / MORE_PER_SECOND;

/**
 * How many invocations at once Lambda gives the event source of a queue. AWS does not say how fast it scales back "when
 * traffic is low": here what is idle goes as soon as no message waits, down to the first five.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */
export class ScalingRamp {
  readonly #most: number;
  #from = FIRST_INVOCATIONS;
  #since = 0;

  /** @param maximumConcurrency of the event source */
  constructor(maximumConcurrency: number) {
    this.#most = Math.min(maximumConcurrency, MOST_INVOCATIONS);
  }

  /** @param now in seconds */
  allowedAt(now: number): number {
    // Sums of fifths of a second fall short of the whole number by their last bits.
    const more = MORE_PER_SECOND * (now - this.#since) + 1e-6;
    return Math.min(this.#most, Math.floor(this.#from + more));
  }

  /** Begins anew: no message waited until now. */
  restart(now: number, running: number): void {
    this.#from = Math.max(FIRST_INVOCATIONS, running);
    this.#since = now;
  }
}
