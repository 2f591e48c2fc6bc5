import type { IncomingMessage } from "node:http";
import type { CorsSpec } from "../stack/http-api-spec.ts";

/** Whether a browser asks what it may do before it does it. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined;
}

/** What API Gateway answers such a question with. */
export function preflightHeaders(cors: CorsSpec): Record<string, string> {
  return {
    "access-control-allow-methods": cors.allow_methods.join(","),
    "access-control-allow-headers": cors.allow_headers.join(","),
    ...(cors.max_age !== undefined && { "access-control-max-age": String(cors.max_age) }),
  };
}

/** What API Gateway adds to every answer to a page of an origin that may call. */
export function corsHeaders(cors: CorsSpec | undefined, origin: string | undefined): Record<string, string> {
  if (cors === undefined || origin === undefined) return {};
  const allowed = ["*", origin].find((known) => cors.allow_origins.includes(known));
  if (allowed === undefined) return {};
  return {
    "access-control-allow-origin": allowed,
    ...(cors.expose_headers.length > 0 && { "access-control-expose-headers": cors.expose_headers.join(",") }),
  };
}
