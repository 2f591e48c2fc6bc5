import * as z from "zod/mini";
import { errorName } from "../domain/error-name.ts";

export interface LoginSettings {
  readonly issuer: string;
  readonly clientId: string;
}

/** What the studio has to know to log people in. */
export interface Login {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
}

/** How long the issuer may take to describe itself, in milliseconds. */
const LIMIT_MS = 3_000;

const https = z.url({ protocol: /^https$/ });
/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata */
const issuerSchema = z.object({ issuer: z.string(), authorization_endpoint: https, token_endpoint: https });

let found: Login | undefined;

/**
 * Asks the issuer, once, where people log in.
 * @returns undefined where nobody has to log in; `unavailable` where the issuer does not say
 */
export async function findLogin(
  settings: LoginSettings | undefined,
): Promise<Login | "unavailable" | undefined> {
  if (settings === undefined) return undefined;
  const { issuer, clientId } = settings;
  try {
    found ??= { ...(await discover(issuer)), clientId };
    return found;
  } catch (error) {
    console.warn({ event: "no login", code: errorName(error) });
    return "unavailable";
  }
}

async function discover(issuer: string): Promise<Omit<Login, "clientId">> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
  const described = issuerSchema.parse(await response.json());
  return {
    authorizationEndpoint: described.authorization_endpoint,
    tokenEndpoint: described.token_endpoint,
  };
}
