import { ClientError, EXIT, interrupted } from "./exit.ts";

/** The IAM action that a failed call needed, by its error. */
const neededActions = new WeakMap<object, string>();

/** SDK middleware: from now on {@link explain} can name the permission behind an "access denied". */
export function rememberAction(service: "sqs" | "s3" | "lambda" | "cloudwatch") {
  return <Input, Output>(
    next: (call: Input) => Promise<Output>,
    { commandName = "" }: { readonly commandName?: string },
  ) =>
    async (call: Input): Promise<Output> => {
      try {
        return await next(call);
      } catch (error) {
        if (error instanceof Error) neededActions.set(error, iamAction(service, commandName));
        throw error;
      }
    };
}

/** Batches need the permission of the single call, and listing objects that of the bucket. */
function iamAction(service: string, commandName: string): string {
  const action = commandName.replace(/(Batch)?Command$/, "").replace("ListObjectsV2", "ListBucket");
  return `${service}:${action}`;
}

/** What a person can do about an error, in one line, and the exit code that goes with it. */
export function explain(error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  if (interrupted.aborted) return new ClientError("Interrupted.", EXIT.interrupted);
  if (!(error instanceof Error)) return new ClientError(oneLine(String(error)), EXIT.failed);
  return new ClientError(adviceFor(error), EXIT.failed);
}

/** Whether it is certain that nothing came of the call; when the network fails, it may have arrived. */
export function wasRefused(error: unknown): boolean {
  if (error instanceof ClientError) return error.exitCode === EXIT.usage;
  if (!(error instanceof Error)) return false;
  return error.name === "CredentialsProviderError" || ("$fault" in error && error.$fault === "client");
}

function adviceFor(error: Error): string {
  const action = neededActions.get(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  // SQS errors keep the names of its older protocol in places.
  switch (error.name.replace("AWS.SimpleQueueService.", "")) {
    case "CredentialsProviderError":
      return noCredentials(error.message);
    case "ExpiredToken":
    case "ExpiredTokenException":
      return "The AWS credentials have expired. Sign in again, or set new ones.";
    case "InvalidClientTokenId":
    case "InvalidAccessKeyId":
    case "UnrecognizedClientException":
    case "InvalidSecurity":
    case "SignatureDoesNotMatch":
    case "AuthFailure":
      return `AWS does not accept the credentials (${error.name}). Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.`;
    case "RequestTimeTooSkewed":
      return "This machine's clock is wrong, so AWS does not accept its signature. Set the clock.";
    case "AccessDenied":
    case "AccessDeniedException":
      return `Access denied: these credentials need the permission ${needed(error, action)}.`;
    case "QueueDoesNotExist":
    case "NonExistentQueue":
      return `There is no such queue: ${process.env.SQS_QUEUE_URL}. Check the account, the region and the name in SQS_QUEUE_URL.`;
    case "NoSuchBucket":
      return "The bucket that the queue names does not exist. Deploy the pipeline again, or set IMAGE_BUCKET.";
    case "PurgeQueueInProgress":
      return "The queue was purged less than 60 seconds ago. Try again in a minute.";
    case "ResourceInUseException":
      return "The consumer is being started or stopped right now. Try again in a minute.";
    case "TimeoutError":
      return unreachable(error.name);
  }
  if (code !== undefined && NETWORK_CODES.includes(code)) return unreachable(code);
  return oneLine(action === undefined ? error.message : `${action}: ${error.name}: ${error.message}`);
}

/** The SDK says by its message alone what kept it from finding credentials. */
function noCredentials(message: string): string {
  const { AWS_PROFILE: profile } = process.env;
  if (message.includes("aws sso login")) {
    return `Your AWS session is over. Sign in again: aws sso login${profile ? ` --profile ${profile}` : ""}`;
  }
  if (message !== "Could not load credentials from any providers") {
    return oneLine(`No AWS credentials found: ${message}`);
  }
  return profile
    ? `There is no AWS profile ${profile}, or it has no credentials. Check AWS_PROFILE, and what aws configure list-profiles shows.`
    : "No AWS credentials found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.";
}

const NETWORK_CODES = [
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "CERT_HAS_EXPIRED",
];

function unreachable(code: string): string {
  const host = process.env.AWS_ENDPOINT_URL || URL.parse(process.env.SQS_QUEUE_URL ?? "")?.origin || "AWS";
  return `Cannot reach ${host} (${code}). Check the network, SQS_QUEUE_URL, and AWS_ENDPOINT_URL if it is set.`;
}

/** The action as AWS names it, where it does, else that of the call. */
function needed({ message }: Error, action = "that the call needs"): string {
  const named = /not authorized to perform: ([\w:]+)/.exec(message)?.[1] ?? action;
  // Without s3:ListBucket, S3 answers "denied" also where an object is only missing.
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
  return named.toLowerCase() === "s3:getobject" ? "s3:GetObject, and s3:ListBucket on the bucket" : named;
}

/** As one sentence on one line. */
export function oneLine(text: string): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, " ");
  return line.endsWith(".") ? line : `${line}.`;
}
