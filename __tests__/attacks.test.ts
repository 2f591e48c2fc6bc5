import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type OutgoingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { checkSettings } from "../config/check.ts";
import { derive } from "../config/derived.ts";
import { modelArn } from "../config/names.ts";
import type { SettingsInput } from "../config/settings.ts";
import {
  applyPermissions,
  firstDeployPermissions,
  planPermissions,
  resourcePermissions,
} from "../constructs/deploy-permissions.ts";
import { boundaryPermissions } from "../constructs/function-boundary.ts";
import { type PolicyStatement, policyJson } from "../constructs/policy.ts";
import { callerGroup, principalOf } from "../functions/api/caller.ts";
import { startEmulator } from "../local/aws/emulator.ts";
import { startHttpApi } from "../local/gateway/http-api.ts";
import { startBedrock } from "../local/model/bedrock.ts";
import { reportOn } from "../ops/plan-report.ts";
import { checkBoundary } from "../ops/preflight.ts";
import { checkEnvironments, checkRefIsRead } from "../ops/repository.ts";
import { type Plan, planSchema } from "../ops/terraform-plan.ts";
import { ACCOUNT, API, account, FOREIGN_API, findAllowed } from "./support/account.ts";
import { ConsumerBench } from "./support/consumer-bench.ts";
import { Github } from "./support/github.ts";
import { type Authorizer, requestOf } from "./support/http-request.ts";
import { grantsOf } from "./support/iam.ts";
import { serveAs } from "./support/serve-as.ts";
import { sampleSettings, settingsWith, synthesiseBootstrap } from "./support/synthesise.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
  bench.bedrock.setTrouble({ latencyMs: 0 });
});
afterAll(() => bench[Symbol.asyncDispose]());

describe("to be given another person's picture", () => {
  it("by using an id again whose record was deleted: nothing is delivered or overwritten", async () => {
    const requestId = `holiday-${randomUUID()}`;
    await bench.deliver([JSON.stringify({ requestId, prompt: "Alice on the beach" })]);
    const alice = await bench.get(`images/${requestId}.png`);
    await bench.remove(`requests/${requestId}.json`);
    const calls = bench.bedrock.calls.length;
    const bob = JSON.stringify({ requestId, prompt: "Bob in the mountains" });
    for (let delivery = 0; delivery < 3; delivery++) await bench.deliver([bob]);
    expect(await bench.record(requestId)).toMatchObject({ status: "rejected", reason: { code: "IdTaken" } });
    expect(Buffer.from(await bench.get(`images/${requestId}.png`)).equals(alice)).toBe(true);
    expect(bench.bedrock.calls.length - calls).toBeLessThanOrEqual(1);
  });
});

/** What is wrong with settings, one line for each problem. */
function problemsWith(change: Partial<SettingsInput>): string[] {
  const result = checkSettings({ ...sampleSettings, ...change });
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
}

const EXPRESSION = [`\${file("/etc/passwd")}`, "%{ if true }x%{ endif }", `#{TfToken[TOKEN.1]}`];

describe("to have Terraform evaluate a setting", () => {
  const refusal =
    /^\S+ must not have \{ \} " \\ or a control character, which Terraform could take for an expression\. Remove them$/;

  it.each([...EXPRESSION, 'dev"x', "dev\nx", "dev\u2028x"])("in the key of the state: %j", (key) => {
    const state = { ...sampleSettings.state, key };
    expect(problemsWith({ state })).toEqual([expect.stringMatching(refusal)]);
  });

  it.each(EXPRESSION)("in the issuer, the audience and the origins: %j", (text) => {
    const authorisation = { kind: "jwt" as const, issuer: `https://a.example/${text}`, audience: [text] };
    const api = { ...sampleSettings.api, authorisation, corsOrigins: [`https://${text}`] };
    const problems = problemsWith({ api });
    expect(problems).toHaveLength(3);
    for (const problem of problems) expect(problem).toMatch(refusal);
  });
});

describe("to reach what belongs to others by a setting", () => {
  it.each(["*", "dev/*", "dev?", "../prod/pipeline.tfstate", "/dev", "dev//a", "a".repeat(257), ""])(
    "with a key of the state that is a pattern or leaves its folder: %j",
    (key) => {
      expect(problemsWith({ state: { ...sampleSettings.state, key } })).toEqual([
        "state.key is not a valid path. Use up to 256 characters out of A-Z, a-z, 0-9, dot, hyphen and underscore, without a folder . or ..",
      ]);
    },
  );

  it.each(["bootstrap.tfstate", "bootstrap.tfstate.tflock", "prod/pipeline.tfstate.tflock"])(
    "with the state %s, which belongs to the account or is the lock of another one",
    (key) => {
      expect(problemsWith({ state: { ...sampleSettings.state, key } })).toEqual([
        expect.stringContaining("belongs to the state of npm run bootstrap, or to a lock"),
      ]);
    },
  );

  it.each(["../../", "couch/../", "./", "//", "couch/*/", "couch", "a".repeat(256).concat("/")])(
    "with the key prefix %j",
    (keyPrefix) => {
      expect(problemsWith({ imageBucket: { kind: "existing", name: "ours", keyPrefix } })).toEqual([
        expect.stringContaining("imageBucket.keyPrefix must be empty, or end in /"),
      ]);
    },
  );

  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  it.each([
    ...["a..b", "192.168.1.1", "xn--ours", "sthree-ours", "amzn-s3-demo-ours", "ours-s3alias"],
    ...["ours--ol-s3", "ours.mrap", "ours--use1-az4--x-s3", "ours--table-s3", "Ours", "-ours", "a"],
  ])("with the bucket name %s, which S3 refuses or keeps for itself", (name) => {
    expect(problemsWith({ imageBucket: { kind: "new", name } })).toHaveLength(1);
    expect(problemsWith({ state: { ...sampleSettings.state, bucket: name } })).toHaveLength(1);
  });

  it.each(["192.168.1", "1.2.3.4.5", "a.b", "a-b.c", "the-teams-bucket"])(
    "not with the bucket name %s, which S3 accepts",
    (name) => {
      expect(problemsWith({ imageBucket: { kind: "new", name } })).toEqual([]);
    },
  );

  it("with the bucket of the state for pictures", () => {
    const name = sampleSettings.state.bucket;
    expect(problemsWith({ imageBucket: { kind: "new", name } })).toEqual([
      "imageBucket.name is the bucket of the state, which no function may write to. Give the pictures another bucket",
    ]);
  });
});

describe("to fill the log and the bucket", () => {
  it("with names of fields: the log has none of them, and the record a few", async () => {
    const requestId = randomUUID();
    const fields = Array.from({ length: 20_000 }, (_, index) => [`My neighbour ${index}`, 1]);
    const { log } = await bench.deliver([
      JSON.stringify({ requestId, prompt: "K2", ...Object.fromEntries(fields) }),
    ]);
    expect(log).not.toContain("neighbour");
    expect(log).toContain('"fields":["unknown","body"]');
    const record = await bench.record(requestId);
    if (record.status !== "rejected") throw new Error(`it is ${record.status}`);
    expect(record.reason.message.length).toBeLessThan(2_000);
    expect(record.reason.message).toMatch(/body: has 19990 more unknown fields$/);
  });
});

describe("to take more than one's share of the queue, or to pass for another caller", () => {
  const iam = (callerId: string): Authorizer => ({ iam: { callerId } });
  const cognito = (identityId: string): Authorizer => ({
    iam: { callerId: "AROAPOOL:CognitoIdentityCredentials", cognitoIdentity: { identityId } },
  });
  const token = (iss: string): Authorizer => ({ jwt: { claims: { iss, sub: "1" } } });

  it.each<[string, Authorizer, Authorizer, Authorizer]>([
    ["by naming sessions", iam("AROAAPP:a"), iam("AROAAPP:b/\n"), iam("AROAOPS:a")],
    ["by naming federated users", iam("000000000000:a"), iam("000000000000:b"), iam("AROAAPP:a")],
    ["by sharing a pool's role", cognito("eu-west-1:1"), cognito("eu-west-1:1"), cognito("eu-west-1:2")],
    ["by a subject of another issuer", token("https://a"), token("https://a"), token("https://b")],
  ])("%s: a caller is one principal", (_, one, same, other) => {
    expect(callerGroup(requestOf(same))).toBe(callerGroup(requestOf(one)));
    expect(callerGroup(requestOf(other))).not.toBe(callerGroup(requestOf(one)));
    expect(principalOf(requestOf(one))).toBeDefined();
  });
});

describe("to send prompts from a web page that somebody opens", () => {
  const servers = {
    queues: async () => startEmulator({ port: 0, region: "eu-west-1" }),
    models: async () => startBedrock(),
    API: async () => {
      const spec = { id: "api", stageName: "$default", name: "api", routes: [], throttling: undefined };
      const cors = {
        allow_origins: ["https://couch.example"],
        allow_methods: [],
        allow_headers: [],
        expose_headers: [],
      };
      const options = { port: 0, functions: new Map(), onRequest: () => {} };
      const { url, stop } = await startHttpApi({ spec: { ...spec, cors }, ...options });
      return { endpoint: url, stop };
    },
  };
  const ask = async (endpoint: string, headers: OutgoingHttpHeaders) => {
    const [answer] = await once(
      request(`${endpoint}/nothing`, { headers, method: "POST" }).end(),
      "response",
    );
    return answer.resume().statusCode;
  };

  it.each(Object.entries(servers))("the local %s answer this machine's own names only", async (_, start) => {
    const { endpoint, stop } = await start();
    onTestFinished(stop);
    const { port } = new URL(endpoint);
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "192.0.2.1",
      "evil.example\t",
    ])
      expect(await ask(endpoint, { host: `${host}:${port}` }), host).toBe(403);
    for (const host of ["127.0.0.1", "localhost", "[::1]", "images.localhost"])
      expect(await ask(endpoint, { host: `${host}:${port}` }), host).not.toBe(403);
  });

  it.each(Object.entries(servers))("the local %s refuse pages of other sites", async (name, start) => {
    const { endpoint, stop } = await start();
    onTestFinished(stop);
    for (const origin of ["https://evil.example", "null", "http://localhost.evil.example"])
      expect(await ask(endpoint, { origin }), origin).toBe(403);
    expect(await ask(endpoint, { origin: "http://localhost:3000" })).not.toBe(403);
    expect((await ask(endpoint, { origin: "https://couch.example" })) === 403).toBe(name !== "API");
  });
});

describe("to have the consumer paint after the spend breaker has stopped it", () => {
  const planOf = (type: string, enabled: boolean, actions: readonly string[]) =>
    planSchema.parse({
      resource_changes: [
        {
          address: `${type}.prompts`,
          mode: "managed",
          type,
          change: { actions, before: { enabled }, after: {} },
        },
      ],
    });
  const refusalsOf = (plan: Plan) =>
    reportOn(plan, { kept: 0, resources: 0, violations: [], waived: [] }, "dev", true).refusals;

  it("by a plan that replaces its event source: the plan is refused", () => {
    const type = "aws_lambda_event_source_mapping";
    expect(refusalsOf(planOf(type, false, ["delete", "create"]))).toEqual([
      expect.stringContaining(
        `${type}.prompts is stopped, and the one that takes its place would start the consumer.`,
      ),
    ]);
    expect(refusalsOf(planOf(type, true, ["delete", "create"]))).toEqual([]);
    expect(refusalsOf(planOf(type, false, ["delete"]))).toEqual([]);
  });
});

describe("to spend money outside the breaker's sight", () => {
  const settings = settingsWith();
  const boundary = policyJson(boundaryPermissions(settings, "123456789012"));

  it("by a model that is not in the settings: the boundary allows exactly those that are", async () => {
    const grants = grantsOf(boundary).filter(({ action }) => action.startsWith("bedrock:"));
    expect(grants.map(({ resource }) => resource)).toEqual(derive(settings).modelChain.map(modelArn));
  });

  it("the plan names a model that an old boundary lacks, and who adds it", async () => {
    const server = createServer((incoming, response) => {
      const isVersion = (body: string) => body.includes("GetPolicyVersion");
      text(incoming).then((body) =>
        response.end(
          isVersion(body)
            ? `<R><GetPolicyVersionResult><PolicyVersion><Document>${encodeURIComponent(boundary)}</Document></PolicyVersion></GetPolicyVersionResult></R>`
            : "<R><GetPolicyResult><Policy><DefaultVersionId>v1</DefaultVersionId></Policy></GetPolicyResult></R>",
        ),
      );
    });
    onTestFinished(await serveAs("IAM", server));
    await expect(checkBoundary(settings, "123456789012")).resolves.toBeUndefined();
    const more = settingsWith({ models: [{ id: "stability.stable-image-ultra-v1:1", concurrency: 2 }] });
    await expect(checkBoundary(more, "123456789012")).rejects.toThrow(
      "couch-explorers-boundary-dev does not allow arn:aws:bedrock:us-west-2::foundation-model/stability.stable-image-ultra-v1:1, so each call would be denied. As an administrator, type: npm run bootstrap.",
    );
  });
});

const workflowJobsSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      uses: z.string().optional(),
      environment: z.string().optional(),
      secrets: z.union([z.literal("inherit"), z.record(z.string(), z.string())]).optional(),
      steps: z
        .array(z.object({ uses: z.string().optional(), with: z.record(z.string(), z.unknown()).optional() }))
        .default([]),
    }),
  ),
});
const dependabotSchema = z.object({
  updates: z.array(z.object({ cooldown: z.object({ "default-days": z.number() }) })),
});

const byText = (one: string, other: string) => one.localeCompare(other);
const NO_RESOURCE = "AWS gives it no resource to name, and the access log needs it";

/** What the apply role may change of others, and why it may. */
const WAIVED: Readonly<Record<string, string>> = {
  "iam:CreateServiceLinkedRole":
    "the roles of API Gateway and EventBridge, whose trust and rights AWS alone decides",
  "lambda:TagResource": "AWS chooses an event source's id; no policy of ours decides by tags",
  "lambda:UntagResource": "AWS chooses an event source's id; no policy of ours decides by tags",
  "logs:CreateLogDelivery": NO_RESOURCE,
  "logs:DeleteLogDelivery": NO_RESOURCE,
  "logs:PutResourcePolicy": NO_RESOURCE,
  "logs:UpdateLogDelivery": NO_RESOURCE,
};

/** Known ways to more rights that the apply role has on its own environment, and what bounds each. */
const BOUNDED: Readonly<Record<string, string>> = {
  "iam:PutRolePolicy": "the role needs the boundary",
  "iam:CreateRole": "the role needs the boundary",
  "iam:UpdateAssumeRolePolicy": "the role needs the boundary",
  "iam:PutRolePermissionsBoundary": "it may set the environment's boundary only",
  "iam:PassRole": "its functions' roles, to Lambda only",
  "iam:TagRole": "its functions' roles; no policy of ours decides by tags",
  "lambda:CreateFunction": "runs with a role that needs the boundary",
  "lambda:UpdateFunctionCode": "its functions, which run under the boundary",
  "lambda:UpdateFunctionConfiguration": "its functions, which run under the boundary",
  "lambda:AddPermission": "its functions",
  "lambda:CreateEventSourceMapping": "its consumer, which may read its own queue only",
  "sqs:SetQueueAttributes": "its queues: it has the prompts of its environment anyway",
  "sns:SetTopicAttributes": "its topics",
  "apigateway:PATCH": "its API",
  "apigateway:DELETE": "its API",
};

/** Known ways to more rights in an account: https://pathfinding.cloud and https://github.com/nccgroup/PMapper */
const ESCALATIONS = [
  ...["CreatePolicyVersion", "SetDefaultPolicyVersion", "CreatePolicy", "DeletePolicyVersion"].map(inIam),
  ...["AttachRolePolicy", "AttachUserPolicy", "AttachGroupPolicy", "DetachRolePolicy"].map(inIam),
  ...["PutUserPolicy", "PutGroupPolicy", "AddUserToGroup", "CreateUser"].map(inIam),
  ...["CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "UpdateAccessKey"].map(inIam),
  ...["DeleteRolePermissionsBoundary", "DeleteUserPermissionsBoundary", "PutUserPermissionsBoundary"].map(
    inIam,
  ),
  ...["CreateOpenIDConnectProvider", "AddClientIDToOpenIDConnectProvider", "UpdateSAMLProvider"].map(inIam),
  ...["UpdateOpenIDConnectProviderThumbprint", "CreateServiceSpecificCredential"].map(inIam),
  ...["AddRoleToInstanceProfile", "DeactivateMFADevice", "ResyncMFADevice"].map(inIam),
  ...["sts:AssumeRole", "sts:GetFederationToken", "organizations:LeaveOrganization"],
  ...["kms:PutKeyPolicy", "kms:CreateGrant", "kms:TagResource", "kms:UpdateAlias", "kms:CreateKey"],
  ...["s3:PutBucketAcl", "s3:PutObjectAcl", "s3:PutReplicationConfiguration", "s3:PutBucketNotification"],
  ...[
    "s3:PutAccountPublicAccessBlock",
    "s3:CreateAccessPoint",
    "s3:PutAccessPointPolicy",
    "s3:GetObjectVersion",
  ],
  ...["lambda:InvokeFunction", "lambda:PublishLayerVersion", "lambda:AddLayerVersionPermission"],
  ...["lambda:CreateFunctionUrlConfig", "lambda:PutFunctionCodeSigningConfig"],
  ...["sqs:AddPermission", "sqs:ReceiveMessage", "sns:AddPermission", "sns:Publish"],
  ...["apigateway:UpdateRestApiPolicy", "apigateway:SetWebACL", "events:PutRule", "events:PutTargets"],
  ...["logs:PutSubscriptionFilter", "logs:PutDestinationPolicy", "logs:FilterLogEvents"],
  ...["ec2:RunInstances", "ec2:ReplaceIamInstanceProfileAssociation", "ec2:ModifyInstanceAttribute"],
  ...["ssm:SendCommand", "ssm:StartSession", "ssm:GetParameter", "secretsmanager:GetSecretValue"],
  ...["secretsmanager:PutResourcePolicy", "cloudformation:CreateStack", "cloudformation:UpdateStack"],
  ...["cloudformation:CreateChangeSet", "codebuild:CreateProject", "codebuild:StartBuild"],
  ...["ecs:RegisterTaskDefinition", "ecs:RunTask", "batch:SubmitJob", "apprunner:CreateService"],
  ...["glue:CreateDevEndpoint", "glue:UpdateDevEndpoint", "glue:CreateJob", "datapipeline:CreatePipeline"],
  ...["sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"],
  ...[
    "states:CreateStateMachine",
    "scheduler:CreateSchedule",
    "cloudtrail:StopLogging",
    "cloudtrail:DeleteTrail",
  ],
];

function inIam(action: string): string {
  return `iam:${action}`;
}

describe("to change what is not the environment's, with the role of a hijacked deployment of dev", () => {
  const settings = settingsWith();
  const beforeFirst = firstDeployPermissions(settings, ACCOUNT);
  const deployed = [
    ...planPermissions(settings, ACCOUNT),
    ...resourcePermissions(settings, ACCOUNT),
    ...applyPermissions(settings, ACCOUNT, API),
  ];
  const s3 = (name: string) => `arn:aws:s3:::${name}`;
  const inRegion = (service: string, name: string) => `arn:aws:${service}:eu-west-1:${ACCOUNT}:${name}`;

  /** Each writing action that is allowed on something of others. */
  async function writesToOthers(statements: readonly PolicyStatement[]): Promise<string[]> {
    const held = new Set(statements.flatMap(({ Action }) => Action));
    const writes = [...held].filter((action) => !/:(Get|List|Describe)/i.test(action));
    const allowed = await Promise.all(writes.map((action) => findAllowed(action, statements)));
    return writes.filter((_, index) => allowed[index]?.some(({ owner }) => owner !== "dev"));
  }

  it("over all actions that it has, on all resources of the account: only what is waived", async () => {
    expect((await writesToOthers(deployed)).sort(byText)).toEqual(Object.keys(WAIVED).sort(byText));
    for (const reason of Object.values(WAIVED)) expect(reason).toMatch(/\w{3,}/);
  });

  it("before its first deploy: besides, any API of the account, until the next bootstrap", async () => {
    const more = ["DELETE", "PATCH", "POST", "PUT"].map((verb) => `apigateway:${verb}`);
    expect((await writesToOthers([...deployed, ...beforeFirst])).sort(byText)).toEqual(
      [...Object.keys(WAIVED), ...more].sort(byText),
    );
  });

  it.each(ESCALATIONS)("%s, a known way to more rights, is not allowed on anything", async (action) => {
    expect(await findAllowed(action, [...deployed, ...beforeFirst])).toEqual([]);
  });

  it.each(Object.entries(BOUNDED))("%s, a known way to more rights, is bounded: %s", async (action) => {
    const allowed = await findAllowed(action, deployed);
    expect(allowed.map(({ owner }) => owner)).toContain("dev");
    expect(allowed.filter(({ owner }) => owner !== "dev")).toEqual([]);
  });

  it.each([
    ["to take over a key of others by tagging it", "kms:TagResource", inRegion("kms", "key/untagged")],
    ["to take over its own key", "kms:PutKeyPolicy", inRegion("kms", "key/dev")],
    ["to point its alias at another key", "kms:UpdateAlias", inRegion("kms", "alias/couch-explorers-dev")],
    ["to open the pictures", "s3:PutBucketPolicy", s3("couch-explorers-images-dev")],
    ["to let the pictures be opened", "s3:PutBucketPublicAccessBlock", s3("couch-explorers-images-dev")],
    ["to bring back access lists", "s3:PutBucketOwnershipControls", s3("couch-explorers-images-dev")],
    ["to allow requests without TLS", "s3:DeleteBucketPolicy", s3("couch-explorers-images-dev")],
    [
      "to silence alarms of dev-prod",
      "cloudwatch:PutMetricAlarm",
      inRegion("cloudwatch", "alarm:image-generation-dev-prod-no-images"),
    ],
    [
      "to delete alarms of dev-prod",
      "cloudwatch:DeleteAlarms",
      inRegion("cloudwatch", "alarm:image-generation-dev-prod-no-images"),
    ],
    [
      "to open prod's route",
      "apigateway:PATCH",
      `arn:aws:apigateway:eu-west-1::/apis/${FOREIGN_API}prod/routes/1`,
    ],
    [
      "to remove prod's authorizer",
      "apigateway:DELETE",
      `arn:aws:apigateway:eu-west-1::/apis/${FOREIGN_API}prod/authorizers/1`,
    ],
    ["to make an API that passes for its own", "apigateway:POST", "arn:aws:apigateway:eu-west-1::/apis"],
  ])("%s: %s is denied", async (_, action, resource) => {
    expect((await findAllowed(action, deployed)).map(({ arn }) => arn)).not.toContain(resource);
    expect(account.map(({ arn }) => arn)).toContain(resource);
  });

  it("with a function's role that it gives all rights: the boundary leaves traces alone", async () => {
    expect(await writesToOthers(boundaryPermissions(settings, ACCOUNT))).toEqual([
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
    ]);
  });
});

describe("to deploy from a branch, by the name of an environment that GitHub does not guard", () => {
  const REPOSITORY = "couch-explorers/couch-explorers";
  const selected = { custom_branch_policies: true, protected_branches: false };
  const main = [{ name: "main", type: "branch" }];

  /** Asks a GitHub with these environments, by the refs that may deploy; undefined is a policy that allows any. */
  async function check(
    environments: Readonly<Record<string, readonly object[] | null | "protected">>,
    failure?: string,
  ) {
    const path = `repos/${REPOSITORY}/environments`;
    const api = {
      [`${path}?per_page=100`]: {
        environments: Object.entries(environments).map(([name, refs]) => ({
          name,
          deployment_branch_policy:
            refs === null
              ? null
              : refs === "protected"
                ? { ...selected, custom_branch_policies: false }
                : selected,
        })),
      },
      ...Object.fromEntries(
        Object.entries(environments).map(([name, refs]) => [
          `${path}/${name}/deployment-branch-policies?per_page=100`,
          { branch_policies: refs },
        ]),
      ),
    };
    const { env } = new Github({ comments: {}, issues: [], api, ...(failure && { failure }) });
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    return checkEnvironments(REPOSITORY, ["dev", "prod"]);
  }

  it("environments that let main alone deploy are right, and the one that publishes may allow tags", async () => {
    expect(await check({ dev: main, prod: main })).toBeUndefined();
    const tags = [...main, { name: "v*", type: "tag" }];
    expect(await check({ dev: main, Prod: main, dockerhub: tags })).toBeUndefined();
  });

  it.each<[string, Parameters<typeof check>[0], string]>([
    ["is missing", { dev: main }, "prod does not exist: GitHub would create it for any branch"],
    ["has no rule", { dev: main, prod: null }, "prod lets other branches than main deploy"],
    [
      "allows protected branches",
      { dev: main, prod: "protected" },
      "prod lets other branches than main deploy",
    ],
    [
      "allows another branch",
      { dev: main, prod: [...main, { name: "release/*" }] },
      'prod lets "release/*" deploy',
    ],
    [
      "allows a tag named main",
      { dev: main, prod: [{ name: "main", type: "tag" }] },
      'prod lets "main" deploy',
    ],
    [
      "publishes from any branch",
      { dev: main, prod: main, dockerhub: null },
      "dockerhub lets other branches than main",
    ],
  ])("one that %s is refused, with what to set", async (_, environments, problem) => {
    await expect(check(environments)).rejects.toThrow(problem);
    await expect(check(environments)).rejects.toThrow(
      `At https://github.com/${REPOSITORY}/settings/environments, set the deployment branches of each to the selected branch main`,
    );
  });

  it("what GitHub does not tell is said to be unchecked", async () => {
    expect(await check({}, "gh: Not Found (HTTP 404)")).toMatch(
      /^Whether main alone may deploy .* is not checked\. /,
    );
  });
});

describe("to get at secrets, or into what is deployed and published, by a workflow", () => {
  const folder = new URL("../.github/", import.meta.url);
  const workflows = readdirSync(new URL("workflows/", folder)).map((name) => {
    const text = readFileSync(new URL(`workflows/${name}`, folder), "utf8");
    return { name, text, jobs: workflowJobsSchema.parse(parse(text)).jobs };
  });

  it("no job holds secrets that it does not name", () => {
    for (const { name, text } of workflows) {
      expect(text, name).not.toMatch(/\bsecrets\[|toJSON\(secrets\)/i);
    }
    const inheriting = workflows.flatMap(({ jobs }) =>
      Object.values(jobs).flatMap(({ secrets, uses }) => (secrets === "inherit" ? [uses] : [])),
    );
    // GitHub passes an environment's secrets on in no other way: https://github.com/actions/runner/issues/1490
    expect(new Set(inheriting)).toEqual(new Set(["./.github/workflows/publish-client.yml"]));
  });

  it("no job of an environment takes from a cache that other jobs fill", () => {
    const guarded = workflows.flatMap(({ jobs }) =>
      Object.values(jobs).filter((job) => job.environment !== undefined),
    );
    expect(guarded).toHaveLength(2);
    const inputs = (action: string) =>
      guarded.flatMap(({ steps }) =>
        steps.filter(({ uses }) => uses?.startsWith(action)).map((step) => step.with),
      );
    expect(inputs("actions/cache")).toEqual([]);
    expect(inputs("actions/setup-node").filter((given) => given && "cache" in given)).toEqual([]);
    expect(inputs("docker/setup-qemu-action")).toEqual([{ "cache-image": false }]);
    expect(inputs("docker/setup-buildx-action")).toEqual([{ "cache-binary": false }]);
    for (const given of inputs("docker/build-push-action")) expect(given).not.toHaveProperty("cache-from");
  });

  it("no release gets in before others had a week to look at it", () => {
    const { updates } = dependabotSchema.parse(
      parse(readFileSync(new URL("dependabot.yml", folder), "utf8")),
    );
    expect(updates.length).toBeGreaterThan(3);
    for (const { cooldown } of updates) expect(cooldown["default-days"]).toBeGreaterThanOrEqual(7);
  });
});

describe("to have a harder trust lock every workflow out", () => {
  const trustOf = (ref?: "probe" | "require") => {
    const github = { repository: "couch-explorers/couch-explorers", ...(ref && { ref }) };
    const roles = Object.values(synthesiseBootstrap([settingsWith({ github })]).resources("aws_iam_role"));
    return Object.fromEntries(
      roles.map(({ name, assume_role_policy: trust }) => [
        String(name).replace(/^couch-explorers-|-dev$/g, ""),
        JSON.parse(String(trust)).Statement[0].Condition.StringEquals[
          "token.actions.githubusercontent.com:ref"
        ],
      ]),
    );
  };

  it("the claim of the branch is required when it is asked for, and probed by a role that may do nothing", () => {
    const main = "refs/heads/main";
    expect(trustOf()).toEqual({ plan: undefined, apply: undefined });
    expect(trustOf("probe")).toEqual({ plan: undefined, apply: undefined, probe: main });
    expect(trustOf("require")).toEqual({ plan: undefined, apply: main, probe: main });
  });

  it.each([
    ["nobody has taken the probe role", 200, "<Role></Role>", false],
    ["there is no probe role", 404, "", false],
    [
      "a workflow has",
      200,
      "<Role><RoleLastUsed><LastUsedDate>2026-11-25T00:00:00Z</LastUsedDate></RoleLastUsed></Role>",
      true,
    ],
  ])("the bootstrap requires it only once AWS is known to read it: %s", async (_, status, role, proven) => {
    const server = createServer((_, response) => {
      response
        .writeHead(status)
        .end(
          status === 200
            ? `<R><GetRoleResult>${role}</GetRoleResult></R>`
            : "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no role</Message></Error></ErrorResponse>",
        );
    });
    onTestFinished(await serveAs("IAM", server));
    const settings = (ref: "probe" | "require") =>
      settingsWith({ github: { repository: "couch-explorers/couch-explorers", ref } });
    await expect(checkRefIsRead(settings("probe"))).resolves.toBeUndefined();
    const check = expect(checkRefIsRead(settings("require")));
    await (proven
      ? check.resolves.toBeUndefined()
      : check.rejects.toThrow("No workflow has taken the role couch-explorers-probe-dev yet"));
  });
});
