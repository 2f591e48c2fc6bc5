import { createHash } from "node:crypto";

/** The unique id of a user (`AIDA`) or a role (`AROA`), in the form that AWS gives them. */
export function uniqueId(prefix: "AIDA" | "AROA", name: string): string {
  return `${prefix}${createHash("sha256").update(name).digest("hex").slice(0, 17).toUpperCase()}`;
}

/** Who signed a call. Nobody checks the signature here. */
export interface Signer {
  readonly accessKey: string;
  /** `AIDA…` of a user, `AROA…:<session>` of a role. */
  readonly userId: string;
  readonly userArn: string;
}

/**
 * Here an access key is the name of a user. With temporary credentials it is that of a session, and the session token is
 * the name of the role.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
 */
export function signerOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  accountId: string,
): Signer {
  const accessKey = /Credential=([^/,\s]+)\//.exec(String(headers.authorization))?.[1] ?? "local";
  const role = headers["x-amz-security-token"];
  if (role === undefined) {
    const userArn = `arn:aws:iam::${accountId}:user/${accessKey}`;
    return { accessKey, userId: uniqueId("AIDA", accessKey), userArn };
  }
  const userArn = `arn:aws:sts::${accountId}:assumed-role/${role}/${accessKey}`;
  return { accessKey, userId: `${uniqueId("AROA", String(role))}:${accessKey}`, userArn };
}
