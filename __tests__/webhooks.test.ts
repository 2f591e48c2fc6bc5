import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { checkSettings } from "../config/check.ts";
import type { SettingsInput } from "../config/settings.ts";
import { requestEventSchema } from "../functions/domain/events.ts";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { listenOnLoopback } from "../local/loopback.ts";
import { sampleSettings, settingsWith, synthesise } from "./support/synthesise.ts";

const APP = { name: "app", url: "https://app.example/events" };

function problemsOf(webhooks: unknown): string[] {
  const result = checkSettings({ ...sampleSettings, webhooks });
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
}

describe("a webhook's settings", () => {
  it.each([
    ["http://app.example/", "must be a URL that starts with https://"],
    ["app.example", "must be a URL that starts with https://"],
    ["https://user:secret@app.example/", "has credentials"],
    ["https://user@app.example/", "has credentials"],
    ["https://app.example/?key=1", "has a query or a fragment"],
    ["https://app.example/#key", "has a query or a fragment"],
    ["https://app.example/*", "must not have a *"],
    ["https://10.0.0.1/", "names an IP address"],
    ["https://2130706433/", "names an IP address"],
    ["https://0x7f.1/", "names an IP address"],
    ["https://169.254.169.254/latest/meta-data/", "names an IP address"],
    ["https://[::1]/", "names an IP address"],
    ["https://[::ffff:10.0.0.1]/", "names an IP address"],
    ["https://[fe80::1]/", "names an IP address"],
    ["https://localhost/", "names a private host"],
    ["https://LOCALHOST./", "names a private host"],
    ["https://app.localhost/", "names a private host"],
    ["https://metadata.google.internal/", "names a private host"],
    ["https://printer.local/", "names a private host"],
    ["https://intranet/", "names a private host"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what Terraform would evaluate
    ["https://app.example/${var.alarm_email}", "must not have { }"],
  ])("refuse the URL %s by its field", (url, message) => {
    const [problem, ...others] = problemsOf([APP, { name: "bad", url }]);
    expect(problem).toMatch(`webhooks.1.url ${message}`);
    expect(others).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{ ...APP, name: "My App" }, "webhooks.0.name must have 1 to 20 characters"],
    [{ ...APP, statuses: [] }, "webhooks.0.statuses is empty"],
    [{ ...APP, statuses: ["done"] }, "webhooks.0.statuses.0 must be one of succeeded,"],
    [{ ...APP, secret: "hush" }, "webhooks.0.secret is not a setting"],
    [{ name: "app" }, "webhooks.0.url is missing"],
  ])("refuse %j", (webhook, message) => {
    expect(problemsOf([webhook])).toEqual([expect.stringContaining(message)]);
  });

  it("refuse two webhooks with one name", () => {
    expect(problemsOf([APP, APP])).toEqual([
      expect.stringMatching(/^webhooks\.1\.name names another webhook/),
    ]);
  });

  it.each(["https://app.example", "https://hooks.app.example:8443/a/b", "https://bücher.example/"])(
    "take %s",
    (url) => expect(problemsOf([{ ...APP, url }])).toEqual([]),
  );
});

describe("the stack of a webhook", () => {
  const stack = synthesise(settingsWith({ webhooks: [{ ...APP, statuses: ["succeeded"] }] }));

  it("keeps no secret: Terraform writes a placeholder, and never takes back what is set", () => {
    expect(stack.resource("aws_cloudwatch_event_connection")).toMatchObject({
      auth_parameters: { api_key: { key: "Authorization", value: "not set yet" } },
      lifecycle: { ignore_changes: ["auth_parameters"] },
    });
  });

  it("delivers the statuses that are asked for, with retries for a day, and then to a dead-letter queue", () => {
    const { event_pattern } = stack.resource("aws_cloudwatch_event_rule");
    expect(JSON.parse(String(event_pattern))).toEqual({
      source: ["image-generation"],
      detail: { status: ["succeeded"] },
    });
    expect(stack.resource("aws_cloudwatch_event_target")).toMatchObject({
      input_path: "$.detail",
      retry_policy: { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 },
      dead_letter_config: { arn: expect.stringContaining("aws_sqs_queue.webhooks_dead-letters") },
    });
  });

  it("lets only its rules use the role and the dead-letter queue", () => {
    const rule = expect.stringContaining("aws_cloudwatch_event_rule.");
    const role = Object.values(stack.resources("aws_iam_role")).find(
      ({ name }) => name === "image-webhooks-dev",
    );
    const condition = { ArnEquals: { "aws:SourceArn": [rule] } };
    expect(JSON.parse(String(role?.assume_role_policy)).Statement).toEqual([
      expect.objectContaining({ Principal: { Service: "events.amazonaws.com" }, Condition: condition }),
    ]);
    const policies = Object.values(stack.resources("aws_sqs_queue_policy"));
    const [letters] = policies.filter(({ queue_url }) => String(queue_url).includes("webhooks_"));
    expect(JSON.parse(String(letters?.policy)).Statement).toEqual([
      expect.objectContaining({ Action: "sqs:SendMessage", Condition: condition }),
      expect.objectContaining({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
    ]);
  });

  it("has nothing of all this where there is no webhook", () => {
    const without = synthesise(settingsWith());
    expect(without.text).not.toContain("webhooks");
    expect(without.text).not.toContain("api_destination");
  });
});

/** What an app got. */
interface Call {
  readonly body: unknown;
  readonly authorization: string | undefined;
}

/** A cloud with one webhook, at an app that gives these answers, and after them 200. */
async function deliver(
  answers: readonly (number | { status: number; retryAfter: string } | "hang")[],
  webhooks: SettingsInput["webhooks"] = [APP],
) {
  const calls: Call[] = [];
  const app = createServer(async (request, response) => {
    const answer = answers[calls.length] ?? 200;
    calls.push({ body: await json(request), authorization: request.headers.authorization });
    if (answer === "hang") return;
    const { status, retryAfter = "0" } = typeof answer === "number" ? { status: answer } : answer;
    response.writeHead(status, { "retry-after": retryAfter, location: "/elsewhere" }).end();
  });
  const port = await listenOnLoopback(app);
  onTestFinished(() => {
    app.closeAllConnections();
    app.close();
  });
  const cloud = await startCloud({
    stackDir: synthesise(settingsWith({ webhooks })).folder,
    port: 0,
    eventSources: false,
    webhook: new URL(`http://127.0.0.1:${port}/`),
    webhookRetryMs: 10,
  });
  onTestFinished(() => cloud.stop());
  return { cloud, calls };
}

const detail = (status = "succeeded") => ({
  ...{ eventId: `k2:${status}:x`, requestId: "k2", status },
  timings: { finishedAt: "2026-11-25T00:00:00.000Z" },
});

async function put({ endpoint }: Cloud, status?: string): Promise<void> {
  const client = new EventBridgeClient({
    ...{ endpoint, region: "eu-west-1" },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const entry = { EventBusName: "image-generation-dev", Source: "image-generation", DetailType: "Request" };
  await client.send(
    new PutEventsCommand({ Entries: [{ ...entry, Detail: JSON.stringify(detail(status)) }] }),
  );
}

/** The only message in the webhooks' dead-letter queue; undefined where there is none. */
async function deadLetter({ sqs, stack }: Cloud) {
  const queue = stack.queues.find(({ name }) => name === "image-webhooks-dev-dlq");
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queue?.url, MessageAttributeNames: ["All"], VisibilityTimeout: 0 }),
  );
  const [letter] = Messages;
  if (letter === undefined) return undefined;
  const attributes = Object.entries(letter.MessageAttributes ?? {});
  return {
    event: JSON.parse(letter.Body ?? ""),
    ...Object.fromEntries(attributes.map(([name, { StringValue }]) => [name, StringValue])),
  };
}

describe("EventBridge delivers to a webhook: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html", () => {
  it("the detail alone, with the header that the connection has", async () => {
    const { cloud, calls } = await deliver([]);
    await put(cloud);
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    expect(calls).toEqual([{ body: detail(), authorization: "not set yet" }]);
    expect(requestEventSchema.safeParse(calls[0]?.body).success).toBe(true);
  });

  it("only the statuses that its rule names", async () => {
    const { cloud, calls } = await deliver([], [{ ...APP, statuses: ["failed"] }]);
    await put(cloud, "succeeded");
    await put(cloud, "failed");
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    expect(calls).toEqual([expect.objectContaining({ body: detail("failed") })]);
  });

  it.each([409, 429, 500, 503])("again after %d", async (status) => {
    const { cloud, calls } = await deliver([status, status]);
    await put(cloud);
    await vi.waitFor(() => expect(calls).toHaveLength(3), { timeout: 5_000 });
    expect(await deadLetter(cloud)).toBeUndefined();
  });

  it("not before the time that Retry-After asks for", async () => {
    const { cloud, calls } = await deliver([{ status: 503, retryAfter: "1" }]);
    const startedAt = performance.now();
    await put(cloud);
    await vi.waitFor(() => expect(calls).toHaveLength(2), { timeout: 5_000 });
    expect(performance.now() - startedAt).toBeGreaterThan(950);
  });

  it.each([301, 400, 401, 403, 404, 410])(
    "not again after %d: the event is a dead letter",
    async (status) => {
      const { cloud, calls } = await deliver([status]);
      await put(cloud);
      await vi.waitFor(async () =>
        expect(await deadLetter(cloud)).toMatchObject({
          event: { source: "image-generation", detail: detail() },
          RULE_ARN: expect.stringMatching(/rule\/image-generation-dev\/image-generation-dev_app$/),
          ERROR_MESSAGE: `The webhook answered ${status}`,
          RETRY_ATTEMPTS: "0",
        }),
      );
      expect(calls).toHaveLength(1);
    },
  );

  it("again where there is no answer within five seconds", { timeout: 20_000 }, async () => {
    const { cloud, calls } = await deliver(["hang"]);
    await put(cloud);
    await vi.waitFor(() => expect(calls).toHaveLength(2), { timeout: 10_000 });
  });
});
