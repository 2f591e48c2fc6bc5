import {
  ApiGatewayV2Client,
  GetApisCommand,
  GetAuthorizerCommand,
  GetRoutesCommand,
  GetStagesCommand,
} from "@aws-sdk/client-apigatewayv2";
import { GetPolicyCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { prepareAccount } from "./support/account.ts";
import { type Emulator, startEmulator } from "./support/emulator.ts";
import { Project, rootCredentials } from "./support/project.ts";

const ISSUER = "https://issuer.example";
// The emulator does not take an authoriser off a route any more: the tokens come last.
const modes = [
  { was: '{ kind: "iam" }', authorisation: '{ kind: "iam" }', type: "AWS_IAM" },
  { was: '{ kind: "iam" }', authorisation: '{ kind: "none" }', type: "NONE" },
  {
    was: '{ kind: "none" }',
    authorisation: `{ kind: "jwt", issuer: "${ISSUER}", audience: ["couch"] }`,
    type: "JWT",
  },
];

/** Whoever opens the API says so to the policies as well. */
const OPEN_TO_ANYBODY = `readonly Waiver[] = [
  { rule: "CKV_AWS_309", resource: "aws_apigatewayv2_route", reason: "A trial.", reviewBy: "2999-12-31" },`;

// One environment whose authorisation changes: each test deploys the next kind.
describe.skipIf(inject("missing") !== "")("the HTTP API, deployed", () => {
  let emulator: Emulator;
  let project: Project;
  let client: { endpoint: string; region: string; credentials: typeof rootCredentials };

  beforeAll(async () => {
    emulator = await startEmulator();
    client = { endpoint: emulator.endpoint, region: "eu-west-1", credentials: rootCredentials };
    project = new Project(emulator.endpoint);
    await prepareAccount(emulator.endpoint);
  });
  afterAll(() => emulator.stop());

  async function apiId(): Promise<string> {
    const { Items = [] } = await new ApiGatewayV2Client(client).send(new GetApisCommand({}));
    expect(Items.map(({ Name }) => Name)).toEqual(["image-generation-api-dev"]);
    return Items[0]?.ApiId ?? "";
  }

  it.each(modes)("asks for $type on every route", async ({ was, authorisation, type }) => {
    project.edit("config/environments/dev.ts", `authorisation: ${was}`, `authorisation: ${authorisation}`);
    if (type === "NONE") project.edit("ops/policies/waivers.ts", "readonly Waiver[] = [", OPEN_TO_ANYBODY);
    const { code, output } = await project.npm("deploy", { args: ["--yes"] });
    expect(code, output).toBe(0);
    const { Items = [] } = await new ApiGatewayV2Client(client).send(
      new GetRoutesCommand({ ApiId: await apiId() }),
    );
    expect(
      Object.fromEntries(Items.map(({ RouteKey, AuthorizationType }) => [RouteKey, AuthorizationType])),
    ).toEqual({
      "POST /generate": type,
      "GET /requests": type,
      "GET /requests/{id}": type,
      "GET /requests/{id}/image": type,
      "POST /requests/{id}/cancel": type,
      "DELETE /requests/{id}": type,
      "GET /health": type,
      $default: type,
    });
    const ids = new Set(Items.flatMap(({ AuthorizerId }) => AuthorizerId ?? []));
    const authorizers = await Promise.all(
      [...ids].map(async (AuthorizerId) =>
        new ApiGatewayV2Client(client).send(new GetAuthorizerCommand({ ApiId: await apiId(), AuthorizerId })),
      ),
    );
    expect(authorizers.map(({ JwtConfiguration }) => JwtConfiguration)).toEqual(
      type === "JWT" ? [{ Issuer: ISSUER, Audience: ["couch"] }] : [],
    );
  });

  it("throttles its stage and logs each request", async () => {
    const { Items } = await new ApiGatewayV2Client(client).send(
      new GetStagesCommand({ ApiId: await apiId() }),
    );
    expect(Items).toEqual([
      expect.objectContaining({
        StageName: "$default",
        AutoDeploy: true,
        DefaultRouteSettings: expect.objectContaining({
          ThrottlingBurstLimit: 2000,
          ThrottlingRateLimit: 500,
        }),
        AccessLogSettings: expect.objectContaining({
          DestinationArn: expect.stringContaining("/aws/vendedlogs/apigateway/image-generation-api-dev"),
        }),
      }),
    ]);
  });

  it("is the only one that may call its function", async () => {
    const { Policy } = await new LambdaClient(client).send(
      new GetPolicyCommand({ FunctionName: "image-api-dev" }),
    );
    expect(JSON.parse(Policy ?? "").Statement).toEqual([
      expect.objectContaining({
        Action: "lambda:InvokeFunction",
        Principal: { Service: "apigateway.amazonaws.com" },
        Condition: { ArnLike: { "AWS:SourceArn": expect.stringContaining(`:${await apiId()}/*`) } },
      }),
    ]);
  });
});
