import { readFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readStack } from "../local/stack/stack.ts";
import { Terraform } from "../local/stack/terraform.ts";
import { settingsWith, synthesise, synthesiseBootstrap } from "./support/synthesise.ts";

const stack = synthesise(settingsWith());

/** The resources of a type whose name has a part in it. */
function named(type: string, part: string): Record<string, unknown> {
  const found = Object.entries(stack.resources(type)).find(([name]) => name.includes(part));
  if (found === undefined) throw new Error(`no ${type} is named ${part}`);
  return found[1];
}

/** What SQS is told of a queue, references resolved. */
async function queueAttributes(queue: string): Promise<Readonly<Record<string, string>>> {
  const { queues } = readStack(await Terraform.read({ directory: stack.folder, endpoint: "" }));
  return queues.find(({ name }) => name === queue)?.attributes ?? {};
}

it("makes no role without the boundary of its environment", () => {
  const roles = Object.values(stack.resources("aws_iam_role"));
  expect(roles).not.toEqual([]);
  const boundary = expect.stringMatching(/^arn:aws:iam::\$\{.+\}:policy\/couch-explorers-boundary-dev$/);
  expect(roles.map((role) => role.permissions_boundary)).toEqual(roles.map(() => boundary));
});

describe("the prompt queue", () => {
  it("has the name that clients know, and hides a message for six function time-outs", () => {
    expect(named("aws_sqs_queue", "prompts")).toMatchObject({
      name: "image-generation-queue-dev",
      visibility_timeout_seconds: 720,
      sqs_managed_sse_enabled: true,
    });
  });

  it("says in its tags where pictures are, so that its URL is all that a client needs", () => {
    const bucket = { kind: "existing", name: "the-teams-bucket", keyPrefix: "couch/" } as const;
    const queues = Object.values(
      synthesise(settingsWith({ imageBucket: bucket })).resources("aws_sqs_queue"),
    );
    expect(queues.flatMap(({ tags }) => tags ?? [])).toEqual([
      { ImageBucket: expect.stringMatching(/^\$\{data\.aws_s3_bucket\..*\.bucket\}$/), KeyPrefix: "couch/" },
    ]);
  });

  it("moves what cannot be painted to a queue that keeps it for 14 days", async () => {
    expect(JSON.parse((await queueAttributes("image-generation-queue-dev")).RedrivePolicy ?? "")).toEqual({
      deadLetterTargetArn: expect.stringMatching(/:image-generation-queue-dev-dlq$/),
      maxReceiveCount: 10,
    });
    expect(named("aws_sqs_queue", "dead-letters").message_retention_seconds).toBe(14 * 86_400);
  });

  it("is the only one that may use its dead-letter queue", async () => {
    const { RedriveAllowPolicy } = await queueAttributes("image-generation-queue-dev-dlq");
    expect(JSON.parse(RedriveAllowPolicy ?? "")).toEqual({
      redrivePermission: "byQueue",
      sourceQueueArns: [expect.stringMatching(/:image-generation-queue-dev$/)],
    });
  });
});

it.each([undefined, "123456789012"])("may change the account %s only", (accountId) => {
  const settings = settingsWith({ accountId });
  const expected = accountId === undefined ? undefined : [accountId];
  for (const { resources } of [synthesise(settings), synthesiseBootstrap([settings])]) {
    expect(Object.values(resources("provider")).map((aws) => aws.allowed_account_ids)).toEqual([expected]);
  }
});

describe("the image bucket", () => {
  it.each([true, false])(
    "is destroyed with its pictures only where people depend on none: %s",
    (production) => {
      const { force_destroy } = synthesise(settingsWith({ production })).resource("aws_s3_bucket");
      expect(force_destroy).toBe(!production);
    },
  );

  it("forgets old versions and broken uploads", () => {
    expect(stack.resource("aws_s3_bucket_versioning")).toMatchObject({
      versioning_configuration: { status: "Enabled" },
    });
    expect(stack.resource("aws_s3_bucket_lifecycle_configuration").rule).toEqual([
      expect.objectContaining({
        abort_incomplete_multipart_upload: [{ days_after_initiation: 1 }],
        noncurrent_version_expiration: [{ noncurrent_days: 30 }],
      }),
    ]);
  });

  it("can be one that is there already, which is then only read and written below the prefix", () => {
    const existing = synthesise(
      settingsWith({ imageBucket: { kind: "existing", name: "the-teams-bucket", keyPrefix: "couch/" } }),
    );
    expect(Object.keys(existing.resources("aws_s3_bucket"))).toEqual([]);
    expect(existing.data).toHaveProperty("aws_s3_bucket");
    const policies = Object.values(existing.resources("aws_iam_role_policy"))
      .map(({ policy }) => String(policy))
      .filter((policy) => policy.includes("s3:PutObject"));
    expect(policies).toHaveLength(2);
    for (const policy of policies) {
      expect(policy).toContain("/couch/images/*");
      expect(policy).toContain("/couch/requests/*");
      expect(policy).not.toMatch(/arn}\/(images|requests)/);
    }
  });
});

describe("the consumer", () => {
  const consumer = named("aws_lambda_function", "consumer");

  it("runs as image-processor on arm64 and Node.js 22", () => {
    expect(consumer).toMatchObject({
      function_name: "image-processor-dev",
      runtime: "nodejs22.x",
      architectures: ["arm64"],
      tracing_config: { mode: "Active" },
    });
  });

  it("is told how long the queue keeps a prompt and how often it hands it out, and ends its calls in time", async () => {
    const { MessageRetentionPeriod, RedrivePolicy } = await queueAttributes("image-generation-queue-dev");
    expect(MessageRetentionPeriod).toBe(String(10 * 86_400));
    expect(consumer).toMatchObject({
      timeout: 120,
      environment: {
        variables: {
          GIVE_UP_AFTER_SECONDS: MessageRetentionPeriod,
          RECEIVE_LIMIT: String(JSON.parse(RedrivePolicy ?? "").maxReceiveCount),
          MODEL_TIMEOUT_SECONDS: "50",
          LEASE_SECONDS: "150",
        },
      },
    });
  });

  it("lets the consumer re-send prompts to its own queue for as long as it takes", () => {
    expect(stack.resource("aws_lambda_function_recursion_config")).toMatchObject({ recursive_loop: "Allow" });
  });

  it("hands the consumer one prompt at a time, as many at once as the first model takes", () => {
    expect(stack.resource("aws_lambda_event_source_mapping")).toMatchObject({
      batch_size: 1,
      function_response_types: ["ReportBatchItemFailures"],
      scaling_config: { maximum_concurrency: 8 },
    });
  });

  it("is zipped as one file, with a log group that forgets", () => {
    const zip = unzipSync(readFileSync(join(stack.folder, String(consumer.filename))));
    expect(Object.keys(zip)).toEqual(["index.js"]);
    expect(named("aws_cloudwatch_log_group", "consumer").retention_in_days).toBe(14);
  });
});
