import type { ThrottlingSpec } from "../stack/http-api-spec.ts";

/** API Gateway's throttling: a bucket of tokens that fills up at a steady rate; each request takes one. */
export class TokenBucket {
  readonly #spec: ThrottlingSpec;
  #tokens: number;
  #filledAt = performance.now();

  constructor(spec: ThrottlingSpec) {
    this.#spec = spec;
    this.#tokens = spec.burst;
  }

  /** Whether there was a token to take. */
  take(): boolean {
    const now = performance.now();
    const gained = ((now - this.#filledAt) / 1000) * this.#spec.ratePerSecond;
    this.#tokens = Math.min(this.#spec.burst, this.#tokens + gained);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
