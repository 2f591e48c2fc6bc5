import { createHash } from "node:crypto";
import * as z from "zod/mini";

const OWNER = /^[0-9a-f]{32}$/;
export const ownerSchema = z
  .string({ error: "must be a string" })
  .check(z.regex(OWNER, { error: "must be the hash of a principal: 32 hexadecimal digits" }));

/** To whom the requests of a principal belong: a hash, so that no record says who it was. */
export function ownerOf(principal: string): string {
  return createHash("sha256").update(principal).digest("hex").slice(0, 32);
}

/**
 * The user or role behind a unique id: `AROA…:session` without the session, since a caller chooses the name of its
 * session. SQS and API Gateway tell the same id.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
 */
export function iamPrincipal(uniqueId: string): string {
  return uniqueId.replace(/:.*$/s, "");
}

/** The id of an owner's request under a key of the owner's choice. Nobody can guess or test the id of another owner. */
export function requestIdOf(owner: string | undefined, key: string): string {
  return owner === undefined ? key : createHash("sha256").update(`${owner}\0${key}`).digest("base64url");
}
