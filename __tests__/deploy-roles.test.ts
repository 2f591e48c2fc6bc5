import { runSimulation, runUnsafeSimulation } from "@cloud-copilot/iam-simulate";
import { describe, expect, it } from "vitest";
import { boundaryArn } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import {
  applyPermissions,
  deployableTypes,
  eventPermissions,
  eventPlanPermissions,
  firstDeployPermissions,
  planPermissions,
  resourcePermissions,
} from "../constructs/deploy-permissions.ts";
import { boundaryPermissions } from "../constructs/function-boundary.ts";
import { policyJson } from "../constructs/policy.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const ACCOUNT = "123456789012";
/** The id of the environment's API. */
const API = "a1b2c3";
const dev = settingsWith();

interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string>>;
}

function policiesOf(role: "plan" | "apply") {
  const plan = [planPermissions, eventPlanPermissions];
  const applies = (settings: Settings, account: string) => applyPermissions(settings, account, API);
  return role === "plan" ? plan : [...plan, resourcePermissions, eventPermissions, applies];
}

/** Asks an evaluator of IAM policies that is not ours. */
async function answer(role: "plan" | "apply", { action, resource, context = {} }: Question, settings = dev) {
  const statements = policiesOf(role).flatMap((permissions) => permissions(settings, ACCOUNT));
  const simulation = {
    request: {
      principal: `arn:aws:iam::${ACCOUNT}:role/couch-explorers-${role}-dev`,
      action,
      resource: { resource, accountId: ACCOUNT },
      contextVariables: { ...context },
    },
    identityPolicies: [{ name: role, policy: { Version: "2012-10-17", Statement: statements } }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(resource === key && { resourcePolicy: { Version: "2012-10-17", Statement: [leavesItToIam] } }),
  };
  // Its table of what each action is about has no HTTP APIs.
  if (action.startsWith("apigateway:")) return runUnsafeSimulation(simulation, {});
  const result = await runSimulation(simulation, {});
  return result.resultType === "error" ? JSON.stringify(result.errors) : result.overallResult;
}

const queue = (name: string) => `arn:aws:sqs:eu-west-1:${ACCOUNT}:${name}`;
const lambda = (name: string) => `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${name}`;
const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const alarm = (name: string) => `arn:aws:cloudwatch:eu-west-1:${ACCOUNT}:alarm:${name}`;
const dashboard = (name: string) => `arn:aws:cloudwatch::${ACCOUNT}:dashboard/${name}`;
const topic = (name: string) => `arn:aws:sns:eu-west-1:${ACCOUNT}:${name}`;
const logGroup = (name: string) => `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:${name}`;
const model = (region: string, id: string) => `arn:aws:bedrock:${region}::foundation-model/${id}`;
const key = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1`;
/** Without it in a key's policy, IAM has no say: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
const leavesItToIam = {
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
  Action: "kms:*",
  Resource: "*",
};
const events = (path: string) => `arn:aws:events:eu-west-1:${ACCOUNT}:${path}`;
const secret = (connection: string) =>
  `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:events!connection/${connection}`;
const gateway = (path: string) => `arn:aws:apigateway:eu-west-1::${path}`;
/** What the request says of the boundary that the role has, or is to get. */
const bounded = (environment: string) => ({
  "iam:PermissionsBoundary": boundaryArn(settingsWith({ suffix: environment }), ACCOUNT),
});
const tags = (where: "Request" | "Resource", environment: string) => ({
  [`aws:${where}Tag/Project`]: "couch-explorers",
  [`aws:${where}Tag/Environment`]: environment,
});

describe("the apply role", () => {
  it.each<Question>([
    { action: "sqs:SetQueueAttributes", resource: queue("image-generation-queue-dev") },
    { action: "sqs:DeleteQueue", resource: queue("image-generation-queue-dev-dlq") },
    { action: "lambda:UpdateFunctionCode", resource: lambda("image-processor-dev") },
    { action: "iam:CreateRole", resource: role("image-processor-dev"), context: bounded("dev") },
    { action: "iam:PutRolePolicy", resource: role("image-processor-dev"), context: bounded("dev") },
    { action: "iam:UpdateAssumeRolePolicy", resource: role("image-api-dev"), context: bounded("dev") },
    { action: "iam:PutRolePermissionsBoundary", resource: role("image-api-dev"), context: bounded("dev") },
    {
      action: "iam:PassRole",
      resource: role("image-processor-dev"),
      context: { "iam:PassedToService": "lambda.amazonaws.com" },
    },
    {
      action: "lambda:UpdateEventSourceMapping",
      resource: `arn:aws:lambda:eu-west-1:${ACCOUNT}:event-source-mapping:1`,
      context: { "lambda:FunctionArn": lambda("image-processor-dev") },
    },
    { action: "lambda:AddPermission", resource: lambda("image-api-dev") },
    { action: "lambda:UpdateFunctionCode", resource: lambda("spend-breaker-dev") },
    { action: "iam:PutRolePolicy", resource: role("spend-breaker-dev"), context: bounded("dev") },
    { action: "logs:CreateLogGroup", resource: logGroup("/aws/lambda/image-api-dev") },
    {
      action: "logs:CreateLogGroup",
      resource: logGroup("/aws/vendedlogs/apigateway/image-generation-api-dev"),
    },
    { action: "apigateway:DELETE", resource: gateway(`/apis/${API}`) },
    { action: "apigateway:POST", resource: gateway(`/apis/${API}/routes`) },
    { action: "cloudwatch:PutMetricAlarm", resource: alarm("image-generation-dev-spend-hour") },
    { action: "cloudwatch:PutDashboard", resource: dashboard("image-generation-dev") },
    { action: "sns:CreateTopic", resource: topic("image-alarms-page-dev") },
    { action: "sns:Unsubscribe", resource: topic("image-alarms-ticket-dev") },
    { action: "events:CreateEventBus", resource: events("event-bus/image-generation-dev") },
    { action: "events:PutTargets", resource: events("rule/image-generation-dev/image-generation-dev_app") },
    { action: "events:CreateConnection", resource: events("connection/image-generation-dev_app/1") },
    { action: "events:DeleteApiDestination", resource: events("api-destination/image-generation-dev_app/1") },
    { action: "secretsmanager:CreateSecret", resource: secret("image-generation-dev_app/1") },
    {
      action: "iam:PassRole",
      resource: role("image-webhooks-dev"),
      context: { "iam:PassedToService": "events.amazonaws.com" },
    },
    { action: "s3:PutLifecycleConfiguration", resource: "arn:aws:s3:::couch-explorers-images-dev" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate" },
    { action: "s3:DeleteObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate.tflock" },
  ])("may $action on $resource", async (question) => {
    expect(await answer("apply", question)).toBe("Allowed");
  });

  it.each<Question>([
    { action: "events:PutEvents", resource: events("event-bus/image-generation-dev") },
    { action: "events:PutTargets", resource: events("rule/image-generation-prod/image-generation-prod_app") },
    { action: "events:UpdateConnection", resource: events("connection/image-generation-dev_app/1") },
    { action: "secretsmanager:GetSecretValue", resource: secret("image-generation-prod_app/1") },
    { action: "secretsmanager:GetSecretValue", resource: secret("image-generation-dev-2_app/1") },
    {
      action: "iam:PassRole",
      resource: role("image-processor-dev"),
      context: { "iam:PassedToService": "events.amazonaws.com" },
    },
    { action: "sqs:SetQueueAttributes", resource: queue("image-generation-queue-prod") },
    { action: "sqs:DeleteQueue", resource: queue("somebody-elses") },
    { action: "lambda:UpdateFunctionCode", resource: lambda("image-processor-prod") },
    { action: "iam:PutRolePolicy", resource: role("couch-explorers-apply-dev"), context: bounded("dev") },
    { action: "iam:PutRolePolicy", resource: role("image-processor-prod"), context: bounded("dev") },
    { action: "iam:CreateRole", resource: role("image-processor-dev") },
    { action: "iam:CreateRole", resource: role("image-processor-dev"), context: bounded("prod") },
    { action: "iam:PutRolePolicy", resource: role("image-processor-dev") },
    { action: "iam:AttachRolePolicy", resource: role("image-processor-dev"), context: bounded("dev") },
    { action: "iam:UpdateAssumeRolePolicy", resource: role("image-processor-dev") },
    { action: "iam:PutRolePermissionsBoundary", resource: role("image-api-dev"), context: bounded("prod") },
    {
      action: "iam:DeleteRolePermissionsBoundary",
      resource: role("image-processor-dev"),
      context: bounded("dev"),
    },
    { action: "iam:CreatePolicyVersion", resource: boundaryArn(dev, ACCOUNT) },
    { action: "iam:DeletePolicy", resource: boundaryArn(dev, ACCOUNT) },
    {
      action: "iam:PassRole",
      resource: role("image-processor-dev"),
      context: { "iam:PassedToService": "ec2.amazonaws.com" },
    },
    {
      action: "lambda:UpdateEventSourceMapping",
      resource: `arn:aws:lambda:eu-west-1:${ACCOUNT}:event-source-mapping:1`,
      context: { "lambda:FunctionArn": lambda("image-processor-prod") },
    },
    { action: "lambda:AddPermission", resource: lambda("image-api-prod") },
    { action: "logs:DeleteLogGroup", resource: logGroup("/aws/lambda/somebody-elses") },
    { action: "apigateway:DELETE", resource: gateway("/restapis/a1b2c3") },
    { action: "cloudwatch:PutMetricAlarm", resource: alarm("image-generation-prod-spend-hour") },
    { action: "cloudwatch:PutCompositeAlarm", resource: alarm("image-generation-prod-outage") },
    { action: "cloudwatch:DeleteAlarms", resource: alarm("somebody-elses") },
    { action: "cloudwatch:PutDashboard", resource: dashboard("image-generation-prod") },
    { action: "sns:DeleteTopic", resource: topic("image-alarms-page-prod") },
    { action: "sns:Publish", resource: topic("image-alarms-page-dev") },
    { action: "kms:Decrypt", resource: key, context: tags("Resource", "dev") },
    { action: "s3:DeleteBucket", resource: "arn:aws:s3:::couch-explorers-state" },
    { action: "s3:DeleteObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/prod/pipeline.tfstate" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/bootstrap.tfstate" },
    { action: "s3:GetObject", resource: "arn:aws:s3:::couch-explorers-images-dev/images/1.png" },
    { action: "s3:DeleteObject", resource: "arn:aws:s3:::couch-explorers-images-dev/images/1.png" },
    { action: "s3:DeleteObjectVersion", resource: "arn:aws:s3:::couch-explorers-images-dev/images/1.png" },
  ])("may not $action on $resource", async (question) => {
    expect(await answer("apply", question)).toBe("ImplicitlyDenied");
  });

  it("may not change a bucket that was there before", async () => {
    const settings = settingsWith({
      imageBucket: { kind: "existing", name: "somebodys-bucket", keyPrefix: "couch/" },
    });
    const bucket = "arn:aws:s3:::somebodys-bucket";
    const ask = (action: string, resource: string) => answer("apply", { action, resource }, settings);
    expect(await ask("s3:PutBucketPolicy", bucket)).toBe("ImplicitlyDenied");
    expect(await ask("s3:DeleteBucket", bucket)).toBe("ImplicitlyDenied");
    expect(await ask("s3:ListBucket", bucket)).toBe("Allowed");
    expect(await ask("s3:GetObject", `${bucket}/couch/requests/canary-1.json`)).toBe("Allowed");
  });

  it.each([
    planPermissions,
    eventPlanPermissions,
    resourcePermissions,
    eventPermissions,
    firstDeployPermissions,
    function apply(settings: Settings, account: string) {
      return applyPermissions(settings, account, API);
    },
    boundaryPermissions,
  ])("has room left in the policy of $name, for the longest names too", (permissions) => {
    const settings = settingsWith({
      suffix: "s".repeat(20),
      imageBucket: { kind: "new", name: "b".repeat(63) },
      state: { ...dev.state, bucket: "s".repeat(63) },
    });
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (a managed policy)
    expect(policyJson(permissions(settings, ACCOUNT)).length).toBeLessThan(0.8 * 6_144);
  });

  it("gains nothing from a function's role to which it gives all rights", async () => {
    const ask = async (action: string, resource: string) => {
      const result = await runSimulation(
        {
          request: {
            principal: role("image-processor-dev"),
            action,
            resource: { resource, accountId: ACCOUNT },
            contextVariables: { "lambda:FunctionArn": lambda("somebody-elses") },
          },
          identityPolicies: [
            {
              name: "everything",
              policy: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] },
            },
          ],
          permissionBoundaryPolicies: [
            {
              name: "boundary",
              policy: { Version: "2012-10-17", Statement: boundaryPermissions(dev, ACCOUNT) },
            },
          ],
          serviceControlPolicies: [],
          resourceControlPolicies: [],
        },
        {},
      );
      return result.resultType === "error" ? JSON.stringify(result.errors) : result.overallResult;
    };
    expect(await ask("sqs:SendMessage", queue("image-generation-queue-dev"))).toBe("Allowed");
    expect(await ask("iam:PutRolePolicy", role("couch-explorers-apply-dev"))).toBe("ImplicitlyDenied");
    expect(await ask("sts:AssumeRole", role("administrator"))).toBe("ImplicitlyDenied");
    expect(await ask("sqs:SendMessage", queue("image-generation-queue-prod"))).toBe("ImplicitlyDenied");
    expect(await ask("s3:GetObject", "arn:aws:s3:::couch-explorers-state/bootstrap.tfstate")).toBe(
      "ImplicitlyDenied",
    );
    expect(
      await ask(
        "lambda:UpdateEventSourceMapping",
        `arn:aws:lambda:eu-west-1:${ACCOUNT}:event-source-mapping:1`,
      ),
    ).toBe("ImplicitlyDenied");
  });

  it("may make every type of resource that the pipeline has", () => {
    const stack = JSON.parse(synthesise(dev).text);
    const unknown = Object.keys(stack.resource).filter((type) => !deployableTypes.includes(type));
    expect(unknown, "add these to constructs/deployable-services.ts").toEqual([]);
  });
});

describe("the plan role", () => {
  it.each<Question>([
    { action: "sqs:GetQueueAttributes", resource: queue("image-generation-queue-dev") },
    { action: "s3:GetObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate" },
    {
      action: "bedrock:GetFoundationModel",
      resource: model("us-west-2", "stability.stable-image-core-v1:1"),
    },
    { action: "bedrock:GetFoundationModel", resource: model("us-west-2", "stability.sd3-5-large-v1:0") },
  ])("may $action on $resource", async (question) => {
    expect(await answer("plan", question)).toBe("Allowed");
  });

  it.each<Question>([
    { action: "sqs:SetQueueAttributes", resource: queue("image-generation-queue-dev") },
    { action: "sqs:ReceiveMessage", resource: queue("image-generation-queue-dev") },
    { action: "s3:GetObject", resource: "arn:aws:s3:::couch-explorers-images-dev/images/1.png" },
    { action: "s3:GetObject", resource: "arn:aws:s3:::couch-explorers-images-dev/requests/1.json" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate.tflock" },
    { action: "s3:GetObject", resource: "arn:aws:s3:::couch-explorers-state/prod/pipeline.tfstate" },
    { action: "iam:PutRolePolicy", resource: role("image-processor-dev") },
    { action: "bedrock:GetFoundationModel", resource: model("us-east-1", "stability.sd3-5-large-v1:0") },
    { action: "bedrock:GetFoundationModel", resource: model("us-west-2", "somebody.elses-v1:0") },
    { action: "bedrock:InvokeModel", resource: model("us-west-2", "stability.sd3-5-large-v1:0") },
  ])("may not $action on $resource", async (question) => {
    expect(await answer("plan", question)).toBe("ImplicitlyDenied");
  });

  it("has no action that writes", () => {
    const actions = planPermissions(dev, ACCOUNT).flatMap(({ Action }) => Action);
    expect(actions.filter((action) => !/:(Get|List|Describe)/i.test(action))).toEqual([]);
  });
});
