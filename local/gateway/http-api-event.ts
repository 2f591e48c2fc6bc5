import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { signerOf } from "../aws/principal.ts";
import type { RouteSpec } from "../stack/http-api-spec.ts";
import { LOCAL_ACCOUNT_ID } from "../stack/terraform-attributes.ts";

/** A request, with the route it takes. */
export interface RoutedRequest {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly body: Buffer;
  readonly route: RouteSpec;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * The event that API Gateway makes of a request: payload format 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toEvent({ request, url, body, route, pathParameters }: RoutedRequest): object {
  const { cookie, ...headers } = joinedHeaders(request);
  const isText = isTextual(headers["content-type"]) && headers["content-encoding"] === undefined;
  const query = new Map<string, string>();
  for (const name of url.searchParams.keys()) query.set(name, url.searchParams.getAll(name).join(","));
  const now = new Date();
  return {
    version: "2.0",
    routeKey: route.routeKey,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    ...(cookie !== undefined && { cookies: cookie.split("; ") }),
    headers,
    ...(query.size > 0 && { queryStringParameters: Object.fromEntries(query) }),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    requestContext: {
      accountId: LOCAL_ACCOUNT_ID,
      apiId: "local",
      ...authorizer(route, headers),
      domainName: url.host,
      domainPrefix: "local",
      http: {
        method: request.method,
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "127.0.0.1",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: route.routeKey,
      stage: "$default",
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function joinedHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values]) => [
      name,
      (values ?? []).join(name === "cookie" ? "; " : ","),
    ]),
  );
}

function isTextual(contentType = ""): boolean {
  return /^(text\/|application\/(json|javascript|xml)\b)/i.test(contentType);
}

/**
 * Nobody's signature or token is checked here: a caller is who the access key or the token says, or somebody.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
function authorizer({ authorisation }: RouteSpec, headers: Readonly<Record<string, string>>): object {
  switch (authorisation) {
    case "NONE":
      return {};
    case "JWT":
      return { authorizer: { jwt: { claims: claimsOf(headers.authorization), scopes: null } } };
    case "AWS_IAM": {
      const signer = signerOf(headers, LOCAL_ACCOUNT_ID);
      const rest = { accountId: LOCAL_ACCOUNT_ID, cognitoIdentity: null, principalOrgId: null };
      return { authorizer: { iam: { ...signer, callerId: signer.userId, ...rest } } };
    }
  }
}

/** The claims of a token, as the authorizer passes them on: as text. Those of somebody where there is none. */
function claimsOf(header = ""): Record<string, string> {
  try {
    const payload = Buffer.from(header.split(".")[1] ?? "", "base64url").toString();
    const claims = z.record(z.string(), z.unknown()).parse(JSON.parse(payload));
    return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, String(value)]));
  } catch {
    return { iss: "local", sub: "local" };
  }
}
