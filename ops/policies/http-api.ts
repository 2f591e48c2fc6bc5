import { isSet, mentions, type PolicyRule } from "./rule.ts";

export const httpApiRules: readonly PolicyRule[] = [
  {
    id: "CKV_AWS_309",
    type: "aws_apigatewayv2_route",
    demand: "asks who is calling",
    // A browser asks with OPTIONS before it signs: this route can ask nobody.
    holds: ({ route_key, authorization_type }) =>
      route_key === "OPTIONS /{proxy+}" || ["AWS_IAM", "JWT"].includes(String(authorization_type)),
  },
  {
    id: "CKV_AWS_76",
    type: "aws_apigatewayv2_stage",
    demand: "has access logs",
    holds: isSet("access_log_settings"),
  },
  {
    id: "API_THROTTLE",
    type: "aws_apigatewayv2_stage",
    demand: "is throttled",
    holds: mentions("default_route_settings", "throttling_rate_limit"),
  },
];
