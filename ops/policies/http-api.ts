import { isSet, mentions, rulesFor } from "./rule.ts";

export const httpApiRules = [
  ...rulesFor("aws_apigatewayv2_route", {
    CKV_AWS_309: [
      "require authorisation",
      // A browser sends its preflight request, OPTIONS, without a signature.
      ({ route_key, authorization_type }) =>
        route_key === "OPTIONS /{proxy+}" || ["AWS_IAM", "JWT"].includes(String(authorization_type)),
    ],
  }),
  ...rulesFor("aws_apigatewayv2_stage", {
    CKV_AWS_76: ["have access logs", isSet("access_log_settings")],
    API_THROTTLE: ["be throttled", mentions("default_route_settings", "throttling_rate_limit")],
  }),
];
