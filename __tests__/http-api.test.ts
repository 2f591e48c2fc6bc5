import { describe, expect, it } from "vitest";
import { checkSettings } from "../config/check.ts";
import { settings as dev } from "../config/environments/dev.ts";
import type { SettingsInput } from "../config/settings.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const throttling = { burst: 20, ratePerSecond: 10 };

function stackWith(api: Partial<SettingsInput["api"]>) {
  return synthesise(settingsWith({ api: { throttling, ...api } }));
}

function authorisationByRoute(stack: ReturnType<typeof synthesise>): Record<string, unknown> {
  return Object.fromEntries(
    Object.values(stack.resources("aws_apigatewayv2_route")).map(({ route_key, authorization_type }) => [
      String(route_key),
      authorization_type,
    ]),
  );
}

const everyRoute = (authorisation: string) => ({
  "POST /generate": authorisation,
  "GET /requests": authorisation,
  "GET /requests/{id}": authorisation,
  "POST /requests/{id}/cancel": authorisation,
  "DELETE /requests/{id}": authorisation,
  "GET /requests/{id}/image": authorisation,
  "GET /health": authorisation,
  $default: authorisation,
});

describe("the HTTP API", () => {
  it("wants a signature on every route unless it is told otherwise", () => {
    expect(authorisationByRoute(stackWith({}))).toEqual(everyRoute("AWS_IAM"));
  });

  it("checks tokens of an issuer for an audience where that is asked for", () => {
    const issuer = "https://issuer.example/";
    const stack = stackWith({ authorisation: { kind: "jwt", issuer, audience: ["couch"] } });
    expect(authorisationByRoute(stack)).toEqual(everyRoute("JWT"));
    expect(stack.resource("aws_apigatewayv2_authorizer")).toMatchObject({
      authorizer_type: "JWT",
      identity_sources: ["$request.header.Authorization"],
      jwt_configuration: { issuer, audience: ["couch"] },
    });
  });

  it("lets anybody have the studio's page where people can log in, and nothing else", () => {
    const issuer = "https://issuer.example/";
    const stack = stackWith({
      authorisation: { kind: "jwt", issuer, audience: ["couch"], clientId: "couch" },
    });
    expect(authorisationByRoute(stack)).toEqual({
      ...everyRoute("JWT"),
      "GET /": "NONE",
      "GET /studio/{file}": "NONE",
    });
    expect(stack.text).toContain("LOGIN");
  });

  it("is open to anybody only where that is asked for by name", () => {
    expect(authorisationByRoute(stackWith({ authorisation: { kind: "none" } }))).toEqual(everyRoute("NONE"));
  });

  it("lets the web pages of an origin in, and does not ask a browser's preflight for a signature", () => {
    const stack = stackWith({ corsOrigins: ["https://couch.example"] });
    expect(authorisationByRoute(stack)).toEqual({
      ...everyRoute("AWS_IAM"),
      "OPTIONS /{proxy+}": "NONE",
    });
    expect(stack.resource("aws_apigatewayv2_api").cors_configuration).toMatchObject({
      allow_origins: ["https://couch.example"],
      expose_headers: ["location", "preference-applied", "retry-after"],
    });
  });

  it("is throttled, and logs each request as JSON without its body", () => {
    const stage = stackWith({}).resource("aws_apigatewayv2_stage");
    expect(stage).toMatchObject({
      name: "$default",
      auto_deploy: true,
      default_route_settings: { throttling_burst_limit: 20, throttling_rate_limit: 10 },
    });
    expect(stage.access_log_settings).toMatchObject({
      format: expect.stringContaining('"status":"$context.status"'),
    });
  });

  it("has less time for its function than it waits for it", () => {
    const stack = stackWith({});
    const [, fn] =
      Object.entries(stack.resources("aws_lambda_function")).find(([name]) => name.startsWith("api_")) ?? [];
    const limit = Number(stack.resource("aws_apigatewayv2_integration").timeout_milliseconds);
    expect(Number(fn?.timeout) * 1000).toBeLessThan(limit);
  });
});

describe("mistakes in the API's settings", () => {
  it("name the client of the studio that is missing in the audience", () => {
    const authorisation = { kind: "jwt", issuer: "https://issuer.example", audience: ["a"], clientId: "b" };
    expect(checkSettings({ ...dev, api: { throttling, authorisation } })).toEqual({
      ok: false,
      problems: [
        {
          path: ["api", "authorisation", "audience"],
          message:
            'does not have the clientId "b". Add it: the tokens of the studio have it as their audience',
        },
      ],
    });
  });

  it("are reported together, each with its fix", () => {
    const api = {
      authorisation: { kind: "jwt", issuer: "http://issuer.example", audience: [] },
      corsOrigins: ["couch.example/app"],
      throttling: { burst: 0, ratePerSecond: 20_000 },
    };
    const result = checkSettings({ ...dev, api });
    const problems = result.ok ? [] : result.problems;
    expect(problems.map(({ path, message }) => `${path.join(".")} ${message}`)).toEqual([
      "api.authorisation.issuer must be a URL that starts with https://, without a user, a query and a fragment",
      "api.authorisation.audience is empty. Name at least one audience",
      "api.corsOrigins.0 is not a valid origin. Use the form https://couch.example, without a path, or *",
      "api.throttling.burst must be a whole number of requests from 1 to 5000",
      "api.throttling.ratePerSecond must be a whole number of requests from 1 to 10000",
    ]);
  });

  it("name the three kinds of authorisation there are", () => {
    const result = checkSettings({ ...dev, api: { throttling, authorisation: { kind: "basic" } } });
    expect(result).toMatchObject({
      ok: false,
      problems: [{ path: ["api", "authorisation", "kind"], message: "must have the kind iam, jwt or none" }],
    });
  });
});
