import { isSet, mentions, rulesFor } from "./rule.ts";

/** A browser sends its preflight request without a signature, and gets the studio, which holds nothing, before anybody has logged in. */
const OPEN_ROUTES = ["OPTIONS /{proxy+}", "GET /", "GET /studio/{file}"];

export const httpApiRules = [
  ...rulesFor("aws_apigatewayv2_route", {
    CKV_AWS_309: [
      "require authorisation",
      ({ route_key, authorization_type }) =>
        OPEN_ROUTES.includes(String(route_key)) || ["AWS_IAM", "JWT"].includes(String(authorization_type)),
    ],
  }),
  ...rulesFor("aws_apigatewayv2_stage", {
    CKV_AWS_76: ["have access logs", isSet("access_log_settings")],
    API_THROTTLE: ["be throttled", mentions("default_route_settings", "throttling_rate_limit")],
  }),
];
