/** What may happen to any call of a service. `before` and `after` it takes effect. */
export const TRANSPORT_FAULTS = [
  "late",
  "reset before",
  "reset after",
  "cut",
  "error before",
  "error after",
  "hang before",
  "hang after",
  "kill before",
  "kill after",
] as const;
export type TransportFault = (typeof TRANSPORT_FAULTS)[number];

/** What S3 may answer to a conditional write, besides the answer to its condition: nothing is known, try again. */
export const CONFLICT = "conflict";

/** What S3 answers to a function that lacks a permission. */
export const DENIED = "denied";

/** What EventBridge may answer to an event that it does not take, with HTTP 200. */
export const NOT_TAKEN = "event not taken";

/** What the model may answer instead of a picture; none of it is paid. */
export const MODEL_ANSWERS = {
  throttled: { status: 429, errorType: "ThrottlingException" },
  "not ready": { status: 429, errorType: "ModelNotReadyException" },
  "over quota": { status: 400, errorType: "ServiceQuotaExceededException" },
  unavailable: { status: 503, errorType: "ServiceUnavailableException" },
  "server error": { status: 500, errorType: "InternalServerException" },
  "model timeout": { status: 408, errorType: "ModelTimeoutException" },
  "model error": { status: 424, errorType: "ModelErrorException" },
  "not on demand": { status: 400, errorType: "ValidationException" },
  "no access": { status: 403, errorType: "AccessDeniedException" },
  "inference error": { status: 200, body: { finish_reasons: ["Inference error"] } },
  "filtered prompt": { status: 200, body: { finish_reasons: ["Filter reason: prompt"] } },
  "filtered image": { status: 200, body: { finish_reasons: ["Filter reason: output image"] } },
  "no picture": { status: 200, body: { seeds: [1], finish_reasons: [null], images: [] } },
  "not base64": { status: 200, body: { seeds: [1], finish_reasons: [null], images: ["*"] } },
  "not a picture": { status: 200, body: { seeds: [1], finish_reasons: [null], images: ["SGVsbG8h"] } },
  "not an answer": { status: 200, body: "<html>" },
} as const;
export type ModelAnswer = keyof typeof MODEL_ANSWERS;

export type FaultKind = TransportFault | ModelAnswer | typeof CONFLICT | typeof DENIED | typeof NOT_TAKEN;

/** The model does no work, and nobody is to blame: such a fault must never bring a prompt to the dead-letter queue. */
export const BUSY: readonly FaultKind[] = ["throttled", "not ready", "over quota", "unavailable"];
