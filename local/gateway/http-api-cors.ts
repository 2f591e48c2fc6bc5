import type { IncomingMessage } from "node:http";
import type { CorsSpec } from "../stack/http-api-spec.ts";

/** Whether a browser asks what it may do before it does it. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined;
}

/** What API Gateway answers such a question with. */
export function preflightHeaders({ methods, requestHeaders, maxAge }: CorsSpec): Record<string, string> {
  return {
    "access-control-allow-methods": methods.join(","),
    "access-control-allow-headers": requestHeaders.join(","),
    ...(maxAge !== undefined && { "access-control-max-age": String(maxAge) }),
  };
}

/** What API Gateway adds to every answer to a page of an origin that may call. */
export function corsHeaders(cors: CorsSpec | undefined, { headers }: IncomingMessage): [string, string][] {
  const { origin } = headers;
  if (cors === undefined || origin === undefined) return [];
  const allowed = cors.origins.includes("*") ? "*" : cors.origins.find((known) => known === origin);
  if (allowed === undefined) return [];
  const exposed = cors.exposedHeaders.join(",");
  return [
    ["access-control-allow-origin", allowed],
    ...(exposed === "" ? [] : ([["access-control-expose-headers", exposed]] satisfies [string, string][])),
  ];
}
