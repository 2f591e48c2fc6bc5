/**
 * How long a call of S3 or SQS may take, in milliseconds. The SDK itself has no limits: a service that hangs would take
 * the whole invocation with it. These calls take tens of milliseconds; two that hang once each, and their repetitions,
 * fit into what the consumer keeps free for storing a picture and closing its record.
 */
export const CALL_LIMITS = {
  connectionTimeout: 1_000,
  /** Until the answer begins. */
  requestTimeout: 3_000,
  // Without it the SDK only warns.
  throwOnRequestTimeout: true,
  /** Between two parts of an answer. */
  socketTimeout: 3_000,
};
