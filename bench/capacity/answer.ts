import { percentile } from "../table.ts";
import type { Question } from "./question.ts";
import { type Run, simulate } from "./simulate.ts";

// Prices in US dollars, eu-west-1, without the free tier.
/** https://aws.amazon.com/lambda/pricing/ (arm64) */
export const LAMBDA_GB_SECOND = 0.0000133334;
const LAMBDA_REQUEST = 0.2 / 1e6;
/** https://aws.amazon.com/sqs/pricing/ */
const SQS_CALL = 0.4 / 1e6;
/** https://aws.amazon.com/s3/pricing/ */
const S3_WRITE = 0.005 / 1000;

/** What the planner says. Times are in seconds. */
export interface Answer {
  readonly run: Run;
  readonly lastPicture: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly cost: ReturnType<typeof costOf>;
}

export function answer(question: Question): Answer {
  const run = simulate(question);
  const wait = (share: number) => percentile(run.waits, share) || 0;
  return {
    ...{ run, p50: wait(0.5), p95: wait(0.95), p99: wait(0.99) },
    lastPicture: run.finished.at(-1) ?? 0,
    cost: costOf(run, question),
  };
}

/** In US dollars, by part. */
function costOf(run: Run, { models, consumer }: Question) {
  const paid = models.map(({ id, pricePerImageUsd }) => (run.paid[id] ?? 0) * pricePerImageUsd);
  const parts = {
    models: paid.reduce((sum, price) => sum + price, 0),
    lambda: run.billed * (consumer.memoryMb / 1024) * LAMBDA_GB_SECOND + run.invocations * LAMBDA_REQUEST,
    sqs: run.sqsCalls * SQS_CALL,
    s3: run.s3Writes * S3_WRITE,
  };
  return { ...parts, total: parts.models + parts.lambda + parts.sqs + parts.s3 };
}

/** The lowest limit with which 19 of 20 users get their picture within the objective, or that there is none. */
export function lowestSufficientLimit(question: Question): { what: string; answer: Answer } {
  const withLimit = (maximumConcurrency: number) => answer({ ...question, maximumConcurrency });
  let [tooLow, limit] = [0, question.mostConcurrency];
  let enough = withLimit(limit);
  if (!keepsObjective(question, enough)) {
    return { what: `no limit keeps the objective, not even ${limit} calls at once`, answer: enough };
  }
  while (limit - tooLow > 1) {
    const middle = (tooLow + limit) >> 1;
    const found = withLimit(middle);
    if (keepsObjective(question, found)) [limit, enough] = [middle, found];
    else tooLow = middle;
  }
  return { what: `with ${limit} calls at once, the first that keeps the objective`, answer: enough };
}

/** Whether every prompt became a picture, and 19 of 20 in time. */
export function keepsObjective({ thresholds }: Question, { run, p95 }: Answer): boolean {
  return run.deadLetters + run.expired === 0 && p95 <= thresholds.timeToImageSeconds;
}
