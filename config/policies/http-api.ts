import { isSet, type PolicyRule } from "./rule.ts";

export const httpApiRules: readonly PolicyRule[] = [
  {
    id: "CKV_AWS_309",
    type: "aws_apigatewayv2_route",
    demand: "asks who is calling",
    holds: (route) => ["AWS_IAM", "JWT"].includes(String(route.authorization_type)),
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
    holds: (stage) => JSON.stringify(stage.default_route_settings ?? {}).includes("throttling_rate_limit"),
  },
];
