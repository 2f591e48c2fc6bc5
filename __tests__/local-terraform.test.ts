// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform references look like this
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { readStack } from "../local/stack/stack.ts";
import { Terraform } from "../local/stack/terraform.ts";

const endpoint = "http://127.0.0.1:4566";
const anything = z.object({ value: z.unknown() });

async function stackOf(parts: object, variables: Readonly<Record<string, unknown>> = {}): Promise<Terraform> {
  const directory = await mkdtemp(join(tmpdir(), "local-terraform-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const document = { provider: { aws: [{ region: "eu-west-1" }] }, ...parts };
  await writeFile(join(directory, "cdk.tf.json"), JSON.stringify(document));
  return Terraform.read({ directory, endpoint, variables });
}

/** What becomes of one attribute value, next to a queue, a bucket and whatever else is given. */
async function resolve(value: unknown, parts: object = {}, variables = {}): Promise<unknown> {
  const terraform = await stackOf(
    {
      resource: {
        aws_sqs_queue: { prompts: { name: "prompts", tags: [{ team: "couch" }], delay_seconds: 5 } },
        aws_s3_bucket: { "my-images": { bucket: "images" } },
        test: { subject: { value } },
      },
      ...parts,
    },
    variables,
  );
  return terraform.resources("test", anything)[0]?.value;
}

it.each([
  ["the ARN of a queue", "${aws_sqs_queue.prompts.arn}", "arn:aws:sqs:eu-west-1:000000000000:prompts"],
  ["the URL of a queue", "${aws_sqs_queue.prompts.url}", `${endpoint}/000000000000/prompts`],
  ["an id with a hyphen", "${aws_s3_bucket.my-images.id}", "images"],
  ["a reference inside text", "${aws_s3_bucket.my-images.arn}/images/*", "arn:aws:s3:::images/images/*"],
  [
    "a reference inside JSON text",
    '{"arn":"${aws_s3_bucket.my-images.arn}"}',
    '{"arn":"arn:aws:s3:::images"}',
  ],
  ["a number, as a number", "${aws_sqs_queue.prompts.delay_seconds}", 5],
  ["a nested block by its index", "${aws_sqs_queue.prompts.tags[0].team}", "couch"],
  ["text that only looks like a reference", "$${aws_sqs_queue.prompts.arn}", "${aws_sqs_queue.prompts.arn}"],
  ["references in lists and objects", [{ a: "${aws_s3_bucket.my-images.bucket}" }], [{ a: "images" }]],
])("resolves %s", async (_, value, expected) => {
  expect(await resolve(value)).toEqual(expected);
});

it("resolves data sources, locals and variables", async () => {
  const parts = {
    data: { aws_caller_identity: { me: {} }, aws_region: { here: {} } },
    locals: { place: "${data.aws_region.here.name}" },
    variable: { email: {}, stage: { default: "dev" }, size: { default: "small" } },
  };
  const value =
    "${data.aws_caller_identity.me.account_id} ${local.place} ${var.stage} ${var.size} <${var.email}>";
  expect(await resolve(value, parts, { size: "large" })).toBe("000000000000 eu-west-1 dev large <>");
});

it("writes JSON as Terraform does", async () => {
  const locals = { rule: { arn: "${aws_sqs_queue.prompts.arn}", count: 3 } };
  expect(await resolve("${jsonencode(local.rule)}", { locals })).toBe(
    '{"arn":"arn:aws:sqs:eu-west-1:000000000000:prompts","count":3}',
  );
});

it.each([
  ["${aws_sqs_queue.missing.arn}"],
  ["${aws_sqs_queue.prompts.no_such_attribute}"],
  ["${unknown_type.x.arn}"],
  ["${upper(aws_sqs_queue.prompts.arn)}"],
  ["before ${var.missing} after"],
])("names the resource and the reference when it cannot resolve %s", async (value) => {
  const reference = /\$\{.*\}/.exec(value)?.[0];
  await expect(resolve(value)).rejects.toThrow(`test.subject: the local cloud cannot resolve ${reference}.`);
});

it("names a reference that leads back to itself", async () => {
  const locals = { a: "${local.b}", b: "${local.a}" };
  await expect(resolve("${local.a}", { locals })).rejects.toThrow("${local.a} refers to itself");
});

it("does not mind expressions in attributes that nobody reads", async () => {
  const terraform = await stackOf({ resource: { test: { subject: { value: 1, other: "${timestamp()}" } } } });
  expect(terraform.resources("test", anything)).toEqual([{ address: "test.subject", value: 1 }]);
});

it("reads nested blocks with and without their list of one, and redrive policies of their own", async () => {
  const fn = (name: string, environment: unknown) => ({
    function_name: name,
    filename: "assets/code.zip",
    handler: "index.handler",
    environment,
  });
  const terraform = await stackOf({
    resource: {
      aws_sqs_queue: {
        dead: { name: "dead" },
        prompts: { name: "prompts", visibility_timeout_seconds: 720 },
      },
      aws_sqs_queue_redrive_policy: {
        redrive: {
          queue_url: "${aws_sqs_queue.prompts.url}",
          redrive_policy: '{"deadLetterTargetArn":"${aws_sqs_queue.dead.arn}","maxReceiveCount":10}',
        },
      },
      aws_lambda_function: {
        a: fn("a", { variables: { URL: "${aws_sqs_queue.prompts.url}" } }),
        b: fn("b", [{ variables: { COUNT: 3 } }]),
      },
      aws_lambda_event_source_mapping: {
        on: {
          event_source_arn: "${aws_sqs_queue.prompts.arn}",
          function_name: "${aws_lambda_function.a.arn}",
        },
        off: { event_source_arn: "${aws_sqs_queue.prompts.arn}", function_name: "b", enabled: false },
      },
    },
    data: { aws_s3_bucket: { existing: { bucket: "theirs" } } },
  });
  const stack = readStack(terraform);
  expect(stack.buckets).toEqual([{ name: "theirs", isVersioned: false }]);
  expect(stack.queues.map(({ name, attributes }) => [name, attributes])).toEqual([
    ["dead", {}],
    [
      "prompts",
      {
        VisibilityTimeout: "720",
        RedrivePolicy:
          '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":10}',
      },
    ],
  ]);
  expect(stack.functions.map(({ environment, timeoutSeconds }) => [environment, timeoutSeconds])).toEqual([
    [{ URL: `${endpoint}/000000000000/prompts` }, 3],
    [{ COUNT: "3" }, 3],
  ]);
  expect(stack.eventSources.map(({ enabled }) => enabled)).toEqual([true, false]);
});

it("names the resource whose settings it cannot run", async () => {
  const terraform = await stackOf({ resource: { aws_sqs_queue: { prompts: { name: 7 } } } });
  expect(() => readStack(terraform)).toThrow(
    "aws_sqs_queue.prompts is not something the local cloud can run",
  );
});

it("says that a stack has to be synthesised first", async () => {
  await expect(Terraform.read({ directory: "/nowhere", endpoint })).rejects.toThrow(
    "Cannot read the synthesised stack /nowhere/cdk.tf.json (no such file or directory). Synthesise it first.",
  );
});
