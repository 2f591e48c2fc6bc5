import { Apigatewayv2Api } from "@cdktf/provider-aws/lib/apigatewayv2-api/index.js";
import { Apigatewayv2Authorizer } from "@cdktf/provider-aws/lib/apigatewayv2-authorizer/index.js";
import { Apigatewayv2Integration } from "@cdktf/provider-aws/lib/apigatewayv2-integration/index.js";
import { Apigatewayv2Route } from "@cdktf/provider-aws/lib/apigatewayv2-route/index.js";
import { Apigatewayv2Stage } from "@cdktf/provider-aws/lib/apigatewayv2-stage/index.js";
import type { CloudwatchEventBus } from "@cdktf/provider-aws/lib/cloudwatch-event-bus/index.js";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group/index.js";
import type { LambdaFunction } from "@cdktf/provider-aws/lib/lambda-function/index.js";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission/index.js";
import type { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue/index.js";
import { Construct } from "constructs";
import { apiFunctionName, apiName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { PAGE_ROUTES, ROUTES } from "../functions/domain/routes.ts";
import { BundledFunction } from "./bundled-function.ts";
import { allowTelling } from "./event-bus.ts";
import { allowErasing, allowImageLinks, allowRecords, type ImageBucket } from "./image-bucket.ts";
import { allowSending } from "./prompt-queue.ts";
import { bundleStudio } from "./studio-files.ts";

export interface HttpApiProps {
  readonly suffix: string;
  readonly queue: SqsQueue;
  readonly bucket: ImageBucket;
  readonly bus: CloudwatchEventBus;
  /** Authorisation, CORS origins and throttling. */
  readonly access: Settings["api"];
  /** How many pictures are painted at once, to estimate the wait. */
  readonly picturesAtOnce: number;
  /** How long the bucket keeps a picture, in days. Undefined: until somebody deletes it. */
  readonly picturesDays: number | undefined;
  /** Of its function. Undefined: none, and the function does not wait for pictures. */
  readonly reservedConcurrency: number | undefined;
  readonly logRetentionDays: number;
}

/** The longest integration timeout of an HTTP API, in seconds. */
const GATEWAY_LIMIT_SECONDS = 30;

/** CPU comes with the memory, and the start-up needs it. */
const MEMORY_MB = 1024;

/** The fields of the access log. Prompts are in bodies, which the gateway never logs. */
const ACCESS_LOG = {
  requestId: "$context.requestId",
  time: "$context.requestTime",
  method: "$context.httpMethod",
  path: "$context.path",
  route: "$context.routeKey",
  status: "$context.status",
  bytes: "$context.responseLength",
  milliseconds: "$context.responseLatency",
  sourceIp: "$context.identity.sourceIp",
  caller: "$context.identity.userArn",
  subject: "$context.authorizer.claims.sub",
  error: "$context.error.message",
  integrationError: "$context.integrationErrorMessage",
};

/** The HTTP endpoint: takes prompts and returns their status. */
export class HttpApi extends Construct {
  readonly apiId: string;
  readonly stageName: string;
  readonly functionName: string;
  /** Without a slash at the end. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: HttpApiProps) {
    super(scope, id);
    const { function: handler } = this.#createFunction(props);
    const api = this.#createApi(props);
    this.#createRoutes(props, api, handler);
    new LambdaPermission(this, "invoke", {
      functionName: handler.functionName,
      action: "lambda:InvokeFunction",
      principal: "apigateway.amazonaws.com",
      sourceArn: `${api.executionArn}/*`,
    });
    this.apiId = api.id;
    this.stageName = this.#createStage(props, api).name;
    this.functionName = handler.functionName;
    this.url = api.apiEndpoint;
  }

  #createFunction(props: HttpApiProps): BundledFunction {
    const { queue, bucket, reservedConcurrency, logRetentionDays } = props;
    return new BundledFunction(this, "handler", {
      name: apiFunctionName(props.suffix),
      description: "Takes prompts over HTTP and returns their status",
      entry: "functions/api/index.ts",
      files: bundleStudio(),
      memoryMb: MEMORY_MB,
      timeout: GATEWAY_LIMIT_SECONDS - 1,
      reservedConcurrency,
      logRetentionDays,
      environment: {
        IMAGE_BUCKET: bucket.name,
        KEY_PREFIX: bucket.keyPrefix,
        SQS_QUEUE_URL: queue.url,
        EVENT_BUS: props.bus.name,
        MAY_WAIT: String(reservedConcurrency !== undefined),
        PICTURES_AT_ONCE: String(props.picturesAtOnce),
        ...(props.picturesDays !== undefined && { PICTURES_DAYS: String(props.picturesDays) }),
        ...loginOf(props.access),
      },
      permissions: [
        allowSending(queue.arn),
        allowTelling(props.bus.arn),
        ...allowRecords(bucket),
        allowImageLinks(bucket),
        ...allowErasing(bucket),
      ],
    });
  }

  #createApi({ suffix, access: { corsOrigins } }: HttpApiProps): Apigatewayv2Api {
    return new Apigatewayv2Api(this, "api", {
      name: apiName(suffix),
      description: "POST /generate takes a prompt; GET /requests/{id} returns its status",
      protocolType: "HTTP",
      ...(corsOrigins.length > 0 && {
        corsConfiguration: {
          allowOrigins: corsOrigins,
          allowMethods: ["GET", "POST", "DELETE"],
          allowHeaders: [
            ...["authorization", "content-type", "idempotency-key", "prefer"],
            // A browser that signs its requests adds these.
            ...["x-amz-content-sha256", "x-amz-date", "x-amz-security-token"],
          ],
          exposeHeaders: ["location", "preference-applied", "retry-after"],
          maxAge: 3600,
        },
      }),
    });
  }

  #createRoutes(props: HttpApiProps, api: Apigatewayv2Api, handler: LambdaFunction): void {
    const integration = new Apigatewayv2Integration(this, "integration", {
      apiId: api.id,
      integrationType: "AWS_PROXY",
      integrationMethod: "POST",
      integrationUri: handler.invokeArn,
      payloadFormatVersion: "2.0",
      timeoutMilliseconds: GATEWAY_LIMIT_SECONDS * 1000,
    });
    const route = (id: string, routeKey: string, authorisation: RouteAuthorisation) =>
      new Apigatewayv2Route(this, id, {
        apiId: api.id,
        routeKey,
        target: `integrations/${integration.id}`,
        ...authorisation,
      });
    const authorisation = this.#createAuthorisation(props, api);
    for (const key of ROUTES) route(key.replaceAll(/\W+/g, "-"), key, authorisation);
    // The page holds no data, and people need it before they log in. It calls the routes above with a token.
    if ("LOGIN" in loginOf(props.access)) {
      for (const key of PAGE_ROUTES) route(key.replaceAll(/\W+/g, "-"), key, { authorizationType: "NONE" });
    }
    // The gateway's 404 is not problem+json, and it has no 405: the function answers for all other paths.
    route("anything-else", "$default", authorisation);
    if (props.access.corsOrigins.length > 0) {
      // A browser sends its preflight request without a signature, and $default would require one.
      // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
      route("preflight", "OPTIONS /{proxy+}", { authorizationType: "NONE" });
    }
  }

  #createAuthorisation(
    { suffix, access: { authorisation } }: HttpApiProps,
    api: Apigatewayv2Api,
  ): RouteAuthorisation {
    switch (authorisation.kind) {
      case "none":
        return { authorizationType: "NONE" };
      case "iam":
        return { authorizationType: "AWS_IAM" };
      case "jwt": {
        const authorizer = new Apigatewayv2Authorizer(this, "authorizer", {
          apiId: api.id,
          name: apiName(suffix),
          authorizerType: "JWT",
          identitySources: ["$request.header.Authorization"],
          jwtConfiguration: { issuer: authorisation.issuer, audience: authorisation.audience },
        });
        return { authorizationType: "JWT", authorizerId: authorizer.id };
      }
    }
  }

  #createStage({ suffix, logRetentionDays, access: { throttling } }: HttpApiProps, api: Apigatewayv2Api) {
    const logs = new CloudwatchLogGroup(this, "access-logs", {
      // With this prefix a log group does not count towards the size limit of the account's log policy.
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
      name: `/aws/vendedlogs/apigateway/${apiName(suffix)}`,
      retentionInDays: logRetentionDays,
    });
    return new Apigatewayv2Stage(this, "stage", {
      apiId: api.id,
      name: "$default",
      autoDeploy: true,
      defaultRouteSettings: {
        throttlingBurstLimit: throttling.burst,
        throttlingRateLimit: throttling.ratePerSecond,
      },
      accessLogSettings: { destinationArn: logs.arn, format: JSON.stringify(ACCESS_LOG) },
    });
  }
}

/** Where the studio sends people to log in, for the function's environment. Nothing: the studio is off, or asks nobody. */
function loginOf({ authorisation }: Settings["api"]): Readonly<Record<string, string>> {
  if (authorisation.kind !== "jwt" || authorisation.clientId === undefined) return {};
  const { issuer, clientId } = authorisation;
  return { LOGIN: JSON.stringify({ issuer, clientId }) };
}

interface RouteAuthorisation {
  readonly authorizationType: "AWS_IAM" | "JWT" | "NONE";
  readonly authorizerId?: string;
}
