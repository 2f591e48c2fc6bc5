import { createHash } from "node:crypto";
import { iamPrincipal, ownerOf } from "../domain/owner.ts";
import type { RequestRecord } from "../domain/record.ts";
import { HttpProblem, type HttpRequest } from "./http.ts";

/**
 * Who called: a Cognito identity, the unique id of a user or role, or `issuer#subject` of a token. Undefined where nobody
 * is authorised, or a token has no subject.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export function principalOf({ requestContext: { authorizer } }: HttpRequest): string | undefined {
  const { iam, jwt } = authorizer ?? {};
  if (iam) return iam.cognitoIdentity?.identityId ?? iamPrincipal(iam.callerId);
  return jwt?.claims.sub === undefined ? undefined : `${jwt.claims.iss ?? ""}#${jwt.claims.sub}`;
}

/**
 * The owner of what the caller asks for; undefined where the API is open to everybody.
 * Throws {@link HttpProblem} where a token does not say who it is.
 */
export function readOwner(request: HttpRequest): string | undefined {
  const principal = principalOf(request);
  if (principal !== undefined) return ownerOf(principal);
  if (request.requestContext.authorizer?.jwt === undefined) return undefined;
  throw new HttpProblem(403, "The token has no claim `sub`, which says whose the requests are.");
}

/** Whether an owner may see a record. A record of nobody can be read by every caller who has its id. */
export function isReadable(record: RequestRecord, owner: string | undefined): boolean {
  return record.owner === undefined || record.owner === owner;
}

/**
 * The caller's group on the queue, so that one noisy caller does not keep the others waiting. A hash: who it was is
 * for the access log.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export function callerGroup(request: HttpRequest): string {
  const caller = principalOf(request) ?? request.requestContext.http.sourceIp;
  return createHash("sha256").update(caller).digest("hex");
}
