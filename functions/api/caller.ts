import { createHash } from "node:crypto";
import type { HttpRequest } from "./http.ts";

/**
 * Who called: a Cognito identity, the ARN of an IAM principal, or `issuer#subject` of a token. Undefined where nobody is
 * authorised, or a token has no subject. Who assumes a role chooses the session's name, and who federates a user the
 * user's: a name that callers change at will identifies nobody, so the ARN ends before it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
 */
export function principalOf({ requestContext: { authorizer } }: HttpRequest): string | undefined {
  const { iam, jwt } = authorizer ?? {};
  if (iam) return iam.cognitoIdentity?.identityId ?? iam.userArn.replace(CHOSEN_NAME, "");
  return jwt?.claims.sub === undefined ? undefined : `${jwt.claims.iss ?? ""}#${jwt.claims.sub}`;
}

const CHOSEN_NAME = /(?<=:sts::\d+:(assumed-role\/[^/]+|federated-user))\/.*$/s;

/**
 * The caller's group on the queue, so that one noisy caller does not keep the others waiting. A hash: who it was is
 * for the access log.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export function callerGroup(request: HttpRequest): string {
  const caller = principalOf(request) ?? request.requestContext.http.sourceIp;
  return createHash("sha256").update(caller).digest("hex");
}
