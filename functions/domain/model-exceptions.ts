import type { Reason } from "./record.ts";

/**
 * What an exception of InvokeModel means for the prompt; one that is not listed is a failed call.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors
 */
export const KIND_OF_EXCEPTION: Readonly<Record<string, "busy" | "unusable">> = {
  // A wrong model id, or a model that is not served on demand: the request itself was checked before it was sent.
  ValidationException: "unusable",
  ThrottlingException: "busy",
  ModelNotReadyException: "busy",
  ServiceQuotaExceededException: "busy",
  ServiceUnavailableException: "busy",
  AccessDeniedException: "unusable",
  ResourceNotFoundException: "unusable",
  UnrecognizedClientException: "unusable",
  CredentialsProviderError: "unusable",
};

/** Whether a reason on a record says that nobody may call the model, or that it is gone: waiting does not help. */
export function isUnusable({ code }: Reason): boolean {
  return KIND_OF_EXCEPTION[code] === "unusable";
}
