import { runSimulation } from "@cloud-copilot/iam-simulate";
import { describe, expect, it } from "vitest";
import { applyPermissions, deployableTypes, planPermissions } from "../constructs/deploy-permissions.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const ACCOUNT = "123456789012";
const dev = settingsWith();

interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string>>;
}

/** Asks an evaluator of IAM policies that is not ours. */
async function answer(role: "plan" | "apply", { action, resource, context = {} }: Question, settings = dev) {
  const statements = (role === "plan" ? planPermissions : applyPermissions)(settings, ACCOUNT);
  const result = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/couch-explorers-${role}-dev`,
        action,
        resource: { resource, accountId: ACCOUNT },
        contextVariables: { ...context },
      },
      identityPolicies: [{ name: role, policy: { Version: "2012-10-17", Statement: statements } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  return result.resultType === "error" ? JSON.stringify(result.errors) : result.overallResult;
}

const queue = (name: string) => `arn:aws:sqs:eu-west-1:${ACCOUNT}:${name}`;
const lambda = (name: string) => `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${name}`;
const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;

describe("the apply role", () => {
  it.each<Question>([
    { action: "sqs:SetQueueAttributes", resource: queue("image-generation-queue-dev") },
    { action: "sqs:DeleteQueue", resource: queue("image-generation-queue-dev-dlq") },
    { action: "lambda:UpdateFunctionCode", resource: lambda("image-processor-dev") },
    { action: "iam:PutRolePolicy", resource: role("image-processor-dev") },
    { action: "lambda:AddPermission", resource: lambda("image-api-dev") },
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
    { action: "s3:PutBucketPolicy", resource: "arn:aws:s3:::couch-explorers-images-dev" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate" },
    { action: "s3:DeleteObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate.tflock" },
  ])("may $action on $resource", async (question) => {
    expect(await answer("apply", question)).toBe("Allowed");
  });

  it.each<Question>([
    { action: "sqs:SetQueueAttributes", resource: queue("image-generation-queue-prod") },
    { action: "sqs:DeleteQueue", resource: queue("somebody-elses") },
    { action: "lambda:UpdateFunctionCode", resource: lambda("image-processor-prod") },
    { action: "iam:PutRolePolicy", resource: role("couch-explorers-apply-dev") },
    { action: "iam:PutRolePolicy", resource: role("image-processor-prod") },
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
    { action: "s3:DeleteBucket", resource: "arn:aws:s3:::couch-explorers-state" },
    { action: "s3:DeleteObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/prod/pipeline.tfstate" },
    { action: "s3:PutObject", resource: "arn:aws:s3:::couch-explorers-state/bootstrap.tfstate" },
    { action: "s3:GetObject", resource: "arn:aws:s3:::couch-explorers-images-dev/images/1.png" },
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

  it("may make every type of resource that the pipeline has", () => {
    const stack = JSON.parse(synthesise(dev).text);
    const unknown = Object.keys(stack.resource).filter((type) => !deployableTypes.includes(type));
    expect(unknown, "add these to constructs/deploy-permissions.ts").toEqual([]);
  });
});

describe("the plan role", () => {
  it.each<Question>([
    { action: "sqs:GetQueueAttributes", resource: queue("image-generation-queue-dev") },
    { action: "s3:GetObject", resource: "arn:aws:s3:::couch-explorers-state/dev/pipeline.tfstate" },
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
  ])("may not $action on $resource", async (question) => {
    expect(await answer("plan", question)).toBe("ImplicitlyDenied");
  });

  it("has no action that writes", () => {
    const actions = planPermissions(dev, ACCOUNT).flatMap(({ Action }) => Action);
    expect(actions.filter((action) => !/:(Get|GET$|List|Describe)/.test(action))).toEqual([]);
  });
});
