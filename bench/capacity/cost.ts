import type { Question } from "./question.ts";
import type { Run } from "./simulate.ts";

// Prices in US dollars, eu-west-1, without the free tier.
/** https://aws.amazon.com/lambda/pricing/ (arm64) */
export const LAMBDA_GB_SECOND = 0.0000133334;
const LAMBDA_REQUEST = 0.2 / 1e6;
/** https://aws.amazon.com/sqs/pricing/ */
const SQS_CALL = 0.4 / 1e6;
/** https://aws.amazon.com/s3/pricing/ */
const S3_WRITE = 0.005 / 1000;

/** What a run costs, by part, in US dollars. */
export interface Cost {
  readonly models: number;
  readonly lambda: number;
  readonly sqs: number;
  readonly s3: number;
  readonly total: number;
}

export function costOf(run: Run, { models, consumer }: Question): Cost {
  const parts = {
    models: models.reduce((sum, { id, pricePerImageUsd }) => sum + (run.paid[id] ?? 0) * pricePerImageUsd, 0),
    lambda: run.billed * (consumer.memoryMb / 1024) * LAMBDA_GB_SECOND + run.invocations * LAMBDA_REQUEST,
    sqs: run.calls.sqs * SQS_CALL,
    s3: run.calls.s3Writes * S3_WRITE,
  };
  return { ...parts, total: parts.models + parts.lambda + parts.sqs + parts.s3 };
}
