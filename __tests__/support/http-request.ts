import type { HttpRequest } from "../../functions/api/http.ts";

export type Authorizer = HttpRequest["requestContext"]["authorizer"];

/** A request as API Gateway hands it to the function. */
export function requestOf(authorizer: Authorizer, sourceIp = "192.0.2.1"): HttpRequest {
  return {
    version: "2.0",
    routeKey: "POST /generate",
    rawPath: "/generate",
    rawQueryString: "",
    headers: {},
    isBase64Encoded: false,
    requestContext: {
      accountId: "000000000000",
      apiId: "test",
      authorizer,
      domainName: "test",
      domainPrefix: "test",
      http: { method: "POST", path: "/generate", protocol: "HTTP/1.1", sourceIp, userAgent: "test" },
      requestId: "test",
      routeKey: "POST /generate",
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
  };
}
