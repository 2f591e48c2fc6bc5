import { z } from "zod";
import { UserError } from "../user-error.ts";
import { nested, type Terraform } from "./terraform.ts";

export interface RouteSpec {
  /** `POST /generate`, `GET /requests/{id}`, `OPTIONS /{proxy+}`, `$default`. */
  readonly routeKey: string;
  readonly authorisation: "AWS_IAM" | "JWT" | "NONE";
  readonly functionName: string;
  /** How long the gateway waits for the function, in milliseconds. */
  readonly timeoutMs: number;
}

/** What a stage lets through; undefined where it sets no limit. */
export interface ThrottlingSpec {
  readonly burst: number;
  readonly ratePerSecond: number;
}

/** An HTTP API with its `$default` stage. */
export interface HttpApiSpec {
  readonly id: string;
  readonly stageName: string;
  readonly name: string;
  readonly routes: readonly RouteSpec[];
  readonly cors: CorsSpec | undefined;
  readonly throttling: ThrottlingSpec | undefined;
}

const corsSchema = z.object({
  allow_origins: z.array(z.string()).default([]),
  allow_methods: z.array(z.string()).default([]),
  allow_headers: z.array(z.string()).default([]),
  expose_headers: z.array(z.string()).default([]),
  /** How long a browser may remember the answer, in seconds. */
  max_age: z.number().optional(),
});

export type CorsSpec = z.infer<typeof corsSchema>;

const apiSchema = z.object({
  id: z.string(),
  name: z.string(),
  cors_configuration: nested(corsSchema.optional()),
});

const routeSchema = z.object({
  api_id: z.string(),
  route_key: z.string(),
  target: z.string(),
  authorization_type: z.enum(["AWS_IAM", "JWT", "NONE"]).default("NONE"),
});

const integrationSchema = z.object({
  id: z.string(),
  integration_type: z.literal("AWS_PROXY"),
  integration_uri: z.string(),
  payload_format_version: z.literal("2.0"),
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
  timeout_milliseconds: z.int().min(50).max(30_000).default(30_000),
});

const stageSchema = z.object({
  api_id: z.string(),
  name: z.literal("$default"),
  default_route_settings: nested(
    z.object({ throttling_burst_limit: z.number(), throttling_rate_limit: z.number() }).optional(),
  ),
});

/** Picks the HTTP APIs out of the synthesised stack. */
export function readHttpApis(
  terraform: Terraform,
  functions: readonly { readonly functionName: string; readonly arn: string }[],
): HttpApiSpec[] {
  const integrations = terraform.resources("aws_apigatewayv2_integration", integrationSchema);
  const routes = terraform.resources("aws_apigatewayv2_route", routeSchema);
  const stages = terraform.resources("aws_apigatewayv2_stage", stageSchema);
  return terraform.resources("aws_apigatewayv2_api", apiSchema).map((api) => {
    const stage = stages.find(({ api_id }) => api_id === api.id);
    if (stage === undefined) throw new UserError(`${api.address}: it has no stage.`);
    const settings = stage.default_route_settings;
    return {
      id: api.id,
      stageName: stage.name,
      name: api.name,
      routes: routes
        .filter(({ api_id }) => api_id === api.id)
        .map((route) => {
          const integration = integrations.find(({ id }) => route.target === `integrations/${id}`);
          const target = functions.find(({ arn }) => integration?.integration_uri.includes(`/${arn}/`));
          if (integration === undefined || target === undefined) {
            throw new UserError(`${route.address}: the stack has no function behind ${route.target}.`);
          }
          return {
            routeKey: route.route_key,
            authorisation: route.authorization_type,
            functionName: target.functionName,
            timeoutMs: integration.timeout_milliseconds,
          };
        }),
      cors: api.cors_configuration,
      throttling: settings && {
        burst: settings.throttling_burst_limit,
        ratePerSecond: settings.throttling_rate_limit,
      },
    };
  });
}
