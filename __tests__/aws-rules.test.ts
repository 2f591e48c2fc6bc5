/**
 * Rules of AWS that emulators do not enforce, each with its source, and the local cloud enforcing it. At the end, what
 * the pipeline makes of them.
 */
import { once } from "node:events";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Cloud } from "../local/cloud.ts";
import { type Bedrock, startBedrock } from "../local/model/bedrock.ts";
import type { Trouble } from "../local/model/trouble.ts";
import { type SmallStack, smallCloud } from "./support/small-cloud.ts";

const DOCS = "https://docs.aws.amazon.com";
const CORE = "stability.stable-image-core-v1:1";
const QUIET = "export const handler = async () => {};";

const withoutFunctions = () => smallCloud({ code: QUIET, mapping: { enabled: false } });
const workerOf = ({ functions }: Cloud) => {
  const worker = functions.get("worker");
  if (worker === undefined) throw new Error("The test stack has no worker.");
  return worker;
};
const attributes = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`a${index}`, { DataType: "String", StringValue: "x" }]),
  );

describe(`SQS: ${DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html`, () => {
  it("a message has ten attributes at the most", async () => {
    const { sqs, queueUrl: QueueUrl } = await withoutFunctions();
    const send = (count: number) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x", MessageAttributes: attributes(count) }));
    await send(10);
    await expect(send(11)).rejects.toMatchObject({
      name: "InvalidParameterValue",
      message: "Number of message attributes [11] exceeds the allowed maximum [10].",
    });
  });

  it("of a batch, only the messages that break a rule are refused", async () => {
    const { sqs, queueUrl: QueueUrl } = await withoutFunctions();
    const Entries = [10, 11].map((count) => ({
      Id: `with-${count}`,
      MessageBody: "x",
      MessageAttributes: attributes(count),
    }));
    const { Successful, Failed } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect([Successful?.map(({ Id }) => Id), Failed?.map(({ Id }) => Id)]).toEqual([
      ["with-10"],
      ["with-11"],
    ]);
  });

  it("a message is delayed by 900 seconds at the most", async () => {
    const { sqs, queueUrl: QueueUrl } = await withoutFunctions();
    const send = (DelaySeconds: number) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x", DelaySeconds }));
    await send(900);
    await expect(send(901)).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });

  it("a message has 1 MiB at the most, its attributes included", async () => {
    const { sqs, queueUrl: QueueUrl } = await withoutFunctions();
    const send = (bytes: number) =>
      sqs.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody: "x".repeat(bytes),
          MessageAttributes: attributes(1),
        }),
      );
    await send(1_048_576 - "a0Stringx".length);
    await expect(send(1_048_577 - "a0Stringx".length)).rejects.toThrow("shorter than 1048576 bytes");
  });

  it("a message is kept out of sight for twelve hours at the most", async () => {
    const { sqs, queueUrl: QueueUrl } = await withoutFunctions();
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    const hide = (VisibilityTimeout: number) =>
      sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl,
          ReceiptHandle: Messages[0]?.ReceiptHandle,
          VisibilityTimeout,
        }),
      );
    await hide(43_200);
    await expect(hide(43_201)).rejects.toThrow("Must be between 0 and 43200");
  });

  it("a message older than the queue's retention is gone", async () => {
    const { sqs, queueUrl: QueueUrl } = await smallCloud({
      code: QUIET,
      mapping: { enabled: false },
      queue: { message_retention_seconds: 3600 },
    });
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "early" }));
    vi.setSystemTime(Date.now() + 1800_000);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "late" }));
    vi.setSystemTime(Date.now() + 1801_000);
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(["late"]);
  });
});

/** Sends each message that it gets back to the queue, and says so, for as long as it is invoked. */
const ECHO = `
  import { SQSClient, SendMessageCommand } from ${JSON.stringify(import.meta.resolve("@aws-sdk/client-sqs"))};
  const sqs = new SQSClient({});
  export const handler = async ({ Records }) => {
    for (const { body } of Records) {
      await sqs.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: String(Number(body) + 1) }));
    }
  };`;

const echoing = (change: Partial<SmallStack>) =>
  smallCloud({
    code: ECHO,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a Terraform reference
    fn: { environment: { variables: { QUEUE_URL: "${aws_sqs_queue.prompts.url}" } } },
    queue: { visibility_timeout_seconds: 5 },
    maxReceiveCount: 1,
    ...change,
  });

describe(`Lambda's loops: ${DOCS}/lambda/latest/dg/invocation-recursion.html`, () => {
  it("a chain of 16 invocations through a queue is dropped, and its message ends in the dead-letter queue", async () => {
    const { sqs, queueUrl: QueueUrl, spy } = await echoing({});
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "1" }));
    await spy.waitForMessage((message) => message.service === "sqs" && message.body === "17", "dlq");
    expect(spy.getAllMessages().filter((message) => "body" in message && message.body === "18")).toEqual([]);
  });

  it("a function whose loops are allowed goes on", async () => {
    const {
      sqs,
      queueUrl: QueueUrl,
      spy,
    } = await echoing({
      resources: {
        aws_lambda_function_recursion_config: {
          // biome-ignore lint/suspicious/noTemplateCurlyInString: a Terraform reference
          worker: { function_name: "${aws_lambda_function.worker.function_name}", recursive_loop: "Allow" },
        },
      },
    });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "1" }));
    await spy.waitForMessage((message) => message.service === "sqs" && message.body === "20", "consumed");
  });
});

describe(`Lambda's environments: ${DOCS}/lambda/latest/dg/lambda-runtime-environment.html`, () => {
  it("an environment is frozen between invocations: its timers stand still", async () => {
    const cloud = await smallCloud({
      code: `let ticks = 0;
        setInterval(() => { ticks += 1; }, 1);
        export const handler = async () => ticks;`,
    });
    const ticks = async () => {
      const outcome = await workerOf(cloud).invoke({});
      return outcome.type === "result" ? Number(outcome.payload) : Number.NaN;
    };
    const before = await ticks();
    const started = performance.now();
    await vi.waitUntil(() => performance.now() > started + 300);
    expect((await ticks()) - before).toBeLessThan(100);
  });

  // https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html: "Lambda purges idle connections over time."
  it("a connection to the model that is used again after the environment was frozen is reset", async () => {
    const bedrock = await startTestModel({});
    const cloud = await smallCloud({
      code: `
        import { Agent, request } from "node:http";
        const agent = new Agent({ keepAlive: true });
        const call = (url) => new Promise((resolve) => {
          request(url, { agent, headers: { "x-amzn-trace-id": process.env._X_AMZN_TRACE_ID } })
            .once("response", (response) => response.resume().once("close", () => setImmediate(resolve, response.statusCode)))
            .once("error", ({ code }) => resolve(code))
            .end();
        });
        export const handler = async (url) => [await call(url), await call(url)];`,
    });
    const callTwice = () => workerOf(cloud).invoke(`${bedrock.endpoint}/_bill`);
    expect(await callTwice()).toEqual({ type: "result", payload: [200, 200] });
    expect(await callTwice()).toEqual({ type: "result", payload: ["ECONNRESET", 200] });
  });
});

describe(`Lambda's concurrency: ${DOCS}/lambda/latest/dg/lambda-concurrency.html`, () => {
  const slow = `export const handler = () => new Promise((resolve) => setTimeout(resolve, 500));`;

  it("an account runs so many invocations at once, and throttles the others", async () => {
    const cloud = await smallCloud({ code: slow, options: { accountConcurrency: 2 } });
    const outcomes = await Promise.all([1, 2, 3].map(() => workerOf(cloud).invoke({})));
    expect(outcomes.map(({ type }) => type)).toEqual(["result", "result", "throttled"]);
  });

  it("an account must leave 100 of its concurrency unreserved", async () => {
    const reserving = (reserved_concurrent_executions: number) =>
      smallCloud({ code: slow, fn: { reserved_concurrent_executions } });
    await reserving(900);
    await expect(reserving(901)).rejects.toThrow("an account with 1000 must leave 100 unreserved");
  });

  it("in an account with a concurrency of 10, none can be reserved", async () => {
    const starting = smallCloud({
      code: slow,
      fn: { reserved_concurrent_executions: 2 },
      options: { accountConcurrency: 10 },
    });
    await expect(starting).rejects.toThrow("an account with 10 must leave 10 unreserved");
  });

  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
  it("a batch that is throttled is tried again while its messages are out of sight", async () => {
    const cloud = await smallCloud({ code: slow, options: { accountConcurrency: 1 } });
    const busy = workerOf(cloud).invoke({});
    const invocations: string[] = [];
    cloud.events.on("invocation", ({ outcome }) => invocations.push(outcome.type));
    await cloud.sqs.send(new SendMessageCommand({ QueueUrl: cloud.queueUrl, MessageBody: "x" }));
    const [batch] = await once(cloud.events, "batch");
    await busy;
    expect(batch).toMatchObject({ failedMessageIds: [] });
    expect(invocations).toContain("throttled");
  });

  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
  it("an event source has a maximum concurrency of at least 2", async () => {
    const starting = smallCloud({ code: QUIET, mapping: { scaling_config: [{ maximum_concurrency: 1 }] } });
    await expect(starting).rejects.toThrow("maximum_concurrency");
  });
});

describe(`Lambda's scaling: ${DOCS}/lambda/latest/dg/services-sqs-scaling.html`, () => {
  it("an event source begins with five invocations at once, and adds five for each second of a backlog", async () => {
    const cloud = await smallCloud({
      code: "export const handler = () => new Promise((resolve) => setTimeout(resolve, 1500));",
      fn: { timeout: 20 },
      mapping: { batch_size: 1, scaling_config: [{ maximum_concurrency: 20 }] },
    });
    const { sqs, queueUrl: QueueUrl } = cloud;
    const Entries = Array.from({ length: 10 }, (_, id) => ({ Id: String(id), MessageBody: "prompt" }));
    const sentAt = performance.now();
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    for (let waiting = 10; waiting > 0; ) {
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
      const { Attributes } = await sqs.send(command);
      waiting = Number(Attributes?.ApproximateNumberOfMessages);
      const seconds = (performance.now() - sentAt) / 1000;
      expect(Number(Attributes?.ApproximateNumberOfMessagesNotVisible)).toBeLessThanOrEqual(6 + 5 * seconds);
    }
  });
});

describe(`Lambda's payloads: ${DOCS}/lambda/latest/dg/gettingstarted-limits.html`, () => {
  it("an answer has 6 MB at the most", async () => {
    const cloud = await smallCloud({ code: "export const handler = async (bytes) => 'x'.repeat(bytes);" });
    expect(await workerOf(cloud).invoke(6_000_000)).toMatchObject({ type: "result" });
    expect(await workerOf(cloud).invoke(7_000_000)).toMatchObject({
      type: "error",
      error: { errorType: "Function.ResponseSizeTooLarge" },
    });
  });

  it("a batch is cut where its event would have more than 6 MB", async () => {
    const cloud = await smallCloud({ code: QUIET, fn: { memory_size: 512 }, mapping: { enabled: false } });
    const MessageBody = "x".repeat(1_000_000);
    for (let sent = 0; sent < 8; sent++) {
      await cloud.sqs.send(new SendMessageCommand({ QueueUrl: cloud.queueUrl, MessageBody }));
    }
    const batches: number[] = [];
    cloud.events.on("batch", ({ messageIds }) => batches.push(messageIds.length));
    cloud.eventSources[0]?.enable();
    await vi.waitUntil(() => batches.reduce((sum, size) => sum + size, 0) === 8, { timeout: 10_000 });
    expect(batches.toSorted((a, b) => a - b)).toEqual([2, 6]);
  });
});

describe(`API Gateway: ${DOCS}/apigateway/latest/developerguide/http-api-quotas.html`, () => {
  const stack = (timeout_milliseconds: number): SmallStack => ({
    code: QUIET,
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Terraform references
    resources: {
      aws_apigatewayv2_api: { api: { name: "api", protocol_type: "HTTP" } },
      aws_apigatewayv2_stage: { api: { api_id: "${aws_apigatewayv2_api.api.id}", name: "$default" } },
      aws_apigatewayv2_integration: {
        api: {
          api_id: "${aws_apigatewayv2_api.api.id}",
          integration_type: "AWS_PROXY",
          integration_uri: "${aws_lambda_function.worker.invoke_arn}",
          payload_format_version: "2.0",
          timeout_milliseconds,
        },
      },
      aws_apigatewayv2_route: {
        api: {
          api_id: "${aws_apigatewayv2_api.api.id}",
          route_key: "POST /work",
          target: "integrations/${aws_apigatewayv2_integration.api.id}",
        },
      },
    },
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Terraform references
  });

  it("an integration has 30 seconds at the most", async () => {
    await smallCloud(stack(30_000));
    await expect(smallCloud(stack(30_001))).rejects.toThrow("timeout_milliseconds");
  });

  it("a request has 10 MB at the most", async () => {
    const { api } = await smallCloud(stack(30_000));
    const post = async (bytes: number) =>
      (await fetch(`${api?.url}/work`, { method: "POST", body: "x".repeat(bytes) })).status;
    expect(await post(1_000_000)).toBe(200);
    expect(await post(10 * 1024 * 1024 + 1)).toBe(413);
  });

  it("a request that Lambda throttles is answered with 503", async () => {
    const { api } = await smallCloud({
      ...stack(30_000),
      code: "export const handler = () => new Promise((resolve) => setTimeout(resolve, 500));",
      options: { accountConcurrency: 10 },
    });
    const requests = Array.from({ length: 12 }, () => fetch(`${api?.url}/work`, { method: "POST" }));
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 503)).toHaveLength(2);
  });
});

describe(`S3: ${DOCS}/AmazonS3/latest/userguide/conditional-writes.html`, () => {
  it("of conditional writes of one key at once, one succeeds, and of the others some are told of a conflict", async () => {
    const { s3, bucket: Bucket } = await withoutFunctions();
    const writes = Array.from({ length: 30 }, (_, index) =>
      s3.send(new PutObjectCommand({ Bucket, Key: "raced", Body: String(index), IfNoneMatch: "*" })),
    );
    const names = (await Promise.allSettled(writes)).map((write) =>
      write.status === "fulfilled" ? "written" : write.reason.name,
    );
    expect(names.filter((name) => name === "written")).toHaveLength(1);
    expect(new Set(names)).toEqual(new Set(["written", "ConditionalRequestConflict", "PreconditionFailed"]));
  });
});

describe(`S3's versions: ${DOCS}/AmazonS3/latest/userguide/versioning-workflows.html`, () => {
  const versionsIn = async ({ s3, bucket: Bucket }: Cloud) => {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    return { ids: Versions.flatMap(({ VersionId }) => VersionId ?? []), markers: DeleteMarkers.length };
  };
  /** Writes an object twice, and deletes it. */
  const writeAndDelete = async ({ s3, bucket: Bucket }: Cloud) => {
    for (const Body of ["first", "second"]) await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  };

  it("with versioning, what is overwritten or deleted stays, until each version is deleted by its id", async () => {
    const cloud = await smallCloud({
      code: QUIET,
      mapping: { enabled: false },
      resources: {
        aws_s3_bucket_versioning: {
          // biome-ignore lint/suspicious/noTemplateCurlyInString: a Terraform reference
          kept: { bucket: "${aws_s3_bucket.images.bucket}", versioning_configuration: { status: "Enabled" } },
        },
      },
    });
    const { s3, bucket: Bucket } = cloud;
    await writeAndDelete(cloud);
    const { ids, markers } = await versionsIn(cloud);
    expect([ids.length, markers]).toEqual([2, 1]);
    const [, VersionId] = ids;
    const old = await s3.send(new GetObjectCommand({ Bucket, Key: "k", VersionId }));
    expect(await old.Body?.transformToString()).toBe("first");
    for (const id of ids) await s3.send(new DeleteObjectCommand({ Bucket, Key: "k", VersionId: id }));
    expect(await versionsIn(cloud)).toEqual({ ids: [], markers: 1 });
  });

  it("without versioning, an object is the version null, and is gone once it is deleted", async () => {
    const cloud = await withoutFunctions();
    const { s3, bucket: Bucket } = cloud;
    await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
    expect(await versionsIn(cloud)).toEqual({ ids: ["null"], markers: 0 });
    await writeAndDelete(cloud);
    expect(await versionsIn(cloud)).toEqual({ ids: [], markers: 0 });
  });
});

async function startTestModel(trouble: Trouble): Promise<Bedrock> {
  const painter = { paint: async () => Buffer.from("a picture"), stop: async () => {} };
  const bedrock = await startBedrock({ latencyMs: 0, ...trouble }, painter);
  onTestFinished(() => bedrock.stop());
  return bedrock;
}

/** A model, and a way to call it that answers with the reason it finished for, or with the error's name. */
async function modelWith(trouble: Trouble, region = "us-west-2") {
  const bedrock = await startTestModel(trouble);
  const client = new BedrockRuntimeClient({
    ...{ endpoint: bedrock.endpoint, region, maxAttempts: 1 },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    requestHandler: new NodeHttpHandler(),
  });
  const invoke = async (modelId: string, body: object = { prompt: "K2" }): Promise<unknown> => {
    try {
      const command = new InvokeModelCommand({ modelId, body: JSON.stringify(body) });
      const { finish_reasons } = JSON.parse((await client.send(command)).body.transformToString());
      return finish_reasons[0];
    } catch (error) {
      return error instanceof Error ? error.name : error;
    }
  };
  return { bedrock, invoke };
}

describe(`Bedrock's models: ${DOCS}/bedrock/latest/userguide/models-supported.html`, () => {
  it("a model that does not exist is a ValidationException, although nothing is wrong with the prompt", async () => {
    const { invoke } = await modelWith({});
    expect(await invoke("stability.stable-image-core-v9:9")).toBe("ValidationException");
  });

  it("so is a model that the region does not serve", async () => {
    const { invoke } = await modelWith({}, "eu-west-1");
    expect(await invoke(CORE)).toBe("ValidationException");
  });

  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html
  it("a model past its end of life is a ResourceNotFoundException", async () => {
    const { invoke } = await modelWith({});
    expect(await invoke("amazon.titan-image-generator-v1")).toBe("ResourceNotFoundException");
  });

  it("a filter on the finished picture depends on the seed", async () => {
    const { invoke } = await modelWith({ filterImages: 0.5 });
    const reasons = await Promise.all(
      Array.from({ length: 20 }, (_, index) => invoke(CORE, { prompt: "K2", seed: index + 1 })),
    );
    expect(new Set(reasons)).toEqual(new Set([null, "Filter reason: output image"]));
    expect(await invoke(CORE, { prompt: "K2", seed: 1 })).toBe(reasons[0]);
  });
});

describe(`Bedrock's agreements: ${DOCS}/bedrock/latest/userguide/model-access.html`, () => {
  it("in a new account a third party's model works for a while, and then denies access until there is one", async () => {
    const { bedrock, invoke } = await modelWith({ newAccountSeconds: 900 });
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    expect(await invoke(CORE)).toBeNull();
    vi.setSystemTime(Date.now() + 901_000);
    expect(await invoke(CORE)).toBe("AccessDeniedException");
    await fetch(`${bedrock.endpoint}/create-foundation-model-agreement`, {
      method: "POST",
      body: JSON.stringify({ modelId: CORE, offerToken: "offer" }),
    });
    expect(await invoke(CORE)).toBeNull();
  });
});

describe(`Bedrock's quotas: ${DOCS}/bedrock/latest/userguide/quotas.html`, () => {
  it("calls above a model's requests per minute are throttled, those of another model are not", async () => {
    const { invoke } = await modelWith({ requestsPerMinute: 2 });
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    expect([await invoke(CORE), await invoke(CORE), await invoke(CORE)]).toEqual([
      null,
      null,
      "ThrottlingException",
    ]);
    expect(await invoke("stability.stable-image-ultra-v1:1")).toBeNull();
    vi.setSystemTime(Date.now() + 60_001);
    expect(await invoke(CORE)).toBeNull();
  });

  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
  it("a request has 25,000,000 bytes at the most", async () => {
    const { invoke } = await modelWith({});
    expect(await invoke(CORE, { prompt: "x".repeat(25_000_000) })).toBe("ValidationException");
  });
});

describe(`EventBridge's PutEvents: ${DOCS}/eventbridge/latest/APIReference/API_PutEvents.html`, () => {
  const ENTRY = { EventBusName: "bus", Source: "app", DetailType: "any", Detail: "{}" };
  async function putEvents(Entries: readonly Partial<typeof ENTRY>[]) {
    const { endpoint } = await smallCloud({
      code: QUIET,
      mapping: { enabled: false },
      resources: { aws_cloudwatch_event_bus: { bus: { name: "bus" } } },
    });
    const client = new EventBridgeClient({
      ...{ endpoint, region: "eu-west-1", maxAttempts: 1 },
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
    return client.send(new PutEventsCommand({ Entries: [...Entries] }));
  }

  it("a request has ten entries at the most, and one at the least", async () => {
    const entries = (length: number) => Array.from({ length }, () => ENTRY);
    expect(await putEvents(entries(10))).toMatchObject({ FailedEntryCount: 0 });
    for (const length of [0, 11]) {
      await expect(putEvents(entries(length))).rejects.toMatchObject({ name: "ValidationException" });
    }
  });

  // https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb
  it("the entries of a request have less than 1 MiB together", async () => {
    const detail = (bytes: number) => [{ ...ENTRY, Detail: `{"a":"${"x".repeat(bytes - 8)}"}` }];
    const rest = 1_048_576 - ENTRY.Source.length - ENTRY.DetailType.length;
    expect(await putEvents(detail(rest - 1))).toMatchObject({ FailedEntryCount: 0 });
    await expect(putEvents(detail(rest))).rejects.toMatchObject({ name: "ValidationException" });
  });

  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevents-failures
  it("an entry that is not taken fails by itself, and the answer is HTTP 200", async () => {
    const { FailedEntryCount, Entries, $metadata } = await putEvents([
      ENTRY,
      { ...ENTRY, Detail: "no JSON" },
      { ...ENTRY, Source: "aws.s3" },
      { ...ENTRY, DetailType: "" },
    ]);
    expect([$metadata.httpStatusCode, FailedEntryCount]).toEqual([200, 3]);
    expect(Entries?.map(({ EventId, ErrorCode }) => ErrorCode ?? typeof EventId)).toEqual([
      "string",
      "MalformedDetail",
      "NotAuthorizedForSourceException",
      "InvalidArgument",
    ]);
  });
});
