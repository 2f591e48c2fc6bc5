import type { IncomingMessage } from "node:http";
import { isLoopback } from "../loopback.ts";
import type { CorsSpec } from "../stack/http-api-spec.ts";

type Headers = Record<string, string>;

/**
 * What a browser is told that asks what it may do before it does it; undefined where the request is no such question, or
 * nobody but the API's own pages may call. Pages of this machine may call without a setting: an app is developed there.
 */
export function preflightHeaders(cors: CorsSpec | undefined, request: IncomingMessage): Headers | undefined {
  const { method, headers } = request;
  if (method !== "OPTIONS" || headers.origin === undefined) return undefined;
  if (isLoopback(headers.origin)) {
    return {
      "access-control-allow-methods": String(headers["access-control-request-method"] ?? "GET"),
      "access-control-allow-headers": headers["access-control-request-headers"] ?? "",
    };
  }
  return (
    cors && {
      "access-control-allow-methods": cors.allow_methods.join(","),
      "access-control-allow-headers": cors.allow_headers.join(","),
      ...(cors.max_age !== undefined && { "access-control-max-age": String(cors.max_age) }),
    }
  );
}

/** What is added to every answer to a page of an origin that may call: by API Gateway, and here for pages of this machine. */
export function corsHeaders(cors: CorsSpec | undefined, origin: string | undefined): Headers {
  if (origin === undefined) return {};
  if (isLoopback(origin)) {
    return { "access-control-allow-origin": origin, "access-control-expose-headers": "*" };
  }
  const allowed = ["*", origin].find((known) => cors?.allow_origins.includes(known));
  if (cors === undefined || allowed === undefined) return {};
  return {
    "access-control-allow-origin": allowed,
    ...(cors.expose_headers.length > 0 && { "access-control-expose-headers": cors.expose_headers.join(",") }),
  };
}
