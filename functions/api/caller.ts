import { createHash } from "node:crypto";
import type { HttpRequest } from "./http.ts";

/**
 * The caller's group on the queue, so that one noisy caller does not keep the others waiting. A hash: who it was is
 * for the access log.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export function callerGroup({ requestContext: { authorizer, http } }: HttpRequest): string {
  const caller = authorizer?.iam?.userArn ?? authorizer?.jwt?.claims.sub ?? http.sourceIp;
  return createHash("sha256").update(caller).digest("hex");
}
