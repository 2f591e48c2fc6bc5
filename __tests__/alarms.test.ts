import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { settings as dev } from "../config/environments/dev.ts";
import { settings as prod } from "../config/environments/prod.ts";
import { ALARM_IDS, alarmName } from "../config/names.ts";
import { readAlarms } from "../local/cloudwatch/alarm-specs.ts";
import { readStack } from "../local/stack/stack.ts";
import { Terraform } from "../local/stack/terraform.ts";
import { settingsWith, synthesise, synthesiseBootstrap } from "./support/synthesise.ts";

const RUNBOOKS = new URL("../docs/runbooks/", import.meta.url);

/** The page that an alarm's description ends with. */
function runbookOf(description: string): string | undefined {
  return /\/docs\/runbooks\/([a-z-]+\.md)$/.exec(description)?.[1];
}

describe.each([dev, prod])("the alarms of $suffix", async (settings) => {
  const webhooks = [{ name: "app", url: "https://app.example/events" }];
  const synthesised = synthesise(settingsWith({ ...settings, webhooks }));
  const terraform = await Terraform.read({ directory: synthesised.folder, endpoint: "http://127.0.0.1" });
  const { queues, functions, topicNames } = readStack(terraform);
  const alarms = readAlarms(terraform);
  const watched = alarms.flatMap(({ metrics }) => [...metrics.values()]);
  const metricsOf = (dimension: string, value: string): string[] =>
    watched.filter(({ dimensions }) => dimensions[dimension] === value).map(({ name }) => name);

  it.each(queues.map(({ name }) => name))("watch the queue %s", (queue) => {
    const names = metricsOf("QueueName", queue);
    expect(names).toContain(
      queue.endsWith("-dlq") ? "ApproximateNumberOfMessagesVisible" : "ApproximateAgeOfOldestMessage",
    );
  });

  it.each(functions.map(({ functionName }) => functionName))("watch the function %s", (name) => {
    // The errors and throttles of the API's function are its API's 5xx.
    const isApi = name.startsWith("image-api");
    const names = isApi ? metricsOf("Stage", "$default") : metricsOf("FunctionName", name);
    expect(names).toEqual(expect.arrayContaining(isApi ? ["5xx"] : ["Errors", "Throttles"]));
  });

  it("watch the 95th percentile of the consumer's run time", () => {
    expect(watched).toContainEqual(
      expect.objectContaining({
        name: "Duration",
        statistic: "p95",
        dimensions: { FunctionName: `image-processor-${settings.suffix}` },
      }),
    );
  });

  it.each(alarms.map((alarm) => [alarm.name, alarm] as const))(
    "%s tells somebody when it starts and when it ends, and what to do",
    (_, { actions, description }) => {
      const topics = topicNames.map((name) => `arn:aws:sns:eu-west-1:000000000000:${name}`);
      const severity = description.startsWith("PAGE") ? "page" : "ticket";
      expect(topics).toContain(actions.ALARM[0]);
      expect(actions.ALARM[0]).toContain(`:image-alarms-${severity}-`);
      expect(actions.OK).toEqual([actions.ALARM[0]]);
      expect(description).toMatch(/^(PAGE|TICKET)\. .+\nFirst: .+\nRunbook: https:/s);
      expect(existsSync(new URL(runbookOf(description) ?? "none", RUNBOOKS))).toBe(true);
      // The most that CloudWatch keeps.
      expect(description.length).toBeLessThanOrEqual(1024);
    },
  );

  it("are those that the roles may change and that may notify the topics", () => {
    const names = alarms.map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(ALARM_IDS.map((id) => alarmName(settings.suffix, id))));
  });

  it("are all on the page for the person on call, with severity and runbook", () => {
    const listed = readFileSync(new URL("../docs/monitoring.md", import.meta.url), "utf8").matchAll(
      /^\| (?<id>[a-z-]+) \| (?<severity>page|ticket) \| .+ \| \[.+\]\(runbooks\/(?<runbook>[a-z-]+\.md)\) \|$/gm,
    );
    const expected = alarms.map(({ name, description }) => ({
      id: name.replace(`image-generation-${settings.suffix}-`, ""),
      severity: description.startsWith("PAGE") ? "page" : "ticket",
      runbook: runbookOf(description),
    }));
    const byId = (a: { id?: string }, b: { id?: string }) => (a.id ?? "").localeCompare(b.id ?? "");
    expect([...listed].map(({ groups }) => ({ ...groups }))).toEqual(expected.sort(byId));
  });

  it("stop the consumer when it spends too much within an hour, a day or a week, and at nothing else", () => {
    const breaker = `arn:aws:lambda:eu-west-1:000000000000:function:spend-breaker-${settings.suffix}`;
    const stopping = alarms.filter(({ actions }) =>
      [...actions.ALARM, ...actions.OK, ...actions.INSUFFICIENT_DATA].includes(breaker),
    );
    expect(stopping.map(({ name, actions }) => [name, actions.ALARM[1]])).toEqual(
      ["day", "hour", "week"].map((window) => [
        `image-generation-${settings.suffix}-spend-${window}`,
        breaker,
      ]),
    );
  });
});

describe("the topics", () => {
  const stack = synthesise(settingsWith());
  const topics = stack.resources("aws_sns_topic");

  const exactly = ALARM_IDS.map((id) =>
    expect.stringMatching(
      new RegExp(`^arn:aws:cloudwatch:eu-west-1:.*account_id}:alarm:image-generation-dev-${id}$`),
    ),
  );

  it("are encrypted with the key of the bootstrap, which rotates and which exactly the alarms may use", () => {
    expect(Object.values(topics).map((topic) => topic.kms_master_key_id)).toEqual(
      Array(2).fill("alias/couch-explorers-dev"),
    );
    const bootstrap = synthesiseBootstrap([settingsWith()]);
    const [key] = Object.values(bootstrap.resources("aws_kms_key"));
    expect(key).toMatchObject({ enable_key_rotation: true });
    expect(JSON.parse(String(key?.policy)).Statement).toContainEqual(
      expect.objectContaining({
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Condition: expect.objectContaining({ ArnEquals: { "aws:SourceArn": exactly } }),
      }),
    );
    expect(Object.values(bootstrap.resources("aws_kms_alias"))).toMatchObject([
      { name: "alias/couch-explorers-dev" },
    ]);
  });

  it("take messages from the environment's alarms only, and nothing without TLS", () => {
    for (const policy of Object.values(stack.resources("aws_sns_topic_policy"))) {
      const { Statement } = JSON.parse(String(policy.policy));
      expect(Statement).toEqual([
        expect.objectContaining({
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Condition: {
            StringEquals: { "aws:SourceAccount": expect.stringContaining("account_id") },
            ArnEquals: { "aws:SourceArn": exactly },
          },
        }),
        expect.objectContaining({
          Effect: "Deny",
          Principal: "*",
          Action: "sns:Publish",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
      ]);
    }
  });

  it("can be ones that are there already; then the stack makes none", () => {
    const page = "arn:aws:sns:eu-west-1:123456789012:pager";
    const ticket = "arn:aws:sns:eu-west-1:123456789012:tickets";
    const existing = synthesise(settingsWith({ alarms: { existingTopics: { page, ticket } } }));
    expect(existing.resources("aws_sns_topic")).toEqual({});
    const actions = Object.values(existing.resources("aws_cloudwatch_metric_alarm")).map(
      ({ alarm_actions, tags }) => [tags, alarm_actions],
    );
    expect(actions).toContainEqual([{ Severity: "page" }, [page]]);
    expect(actions).toContainEqual([{ Severity: "ticket" }, [ticket]]);
  });
});

describe("the spend breaker", () => {
  const stack = synthesise(settingsWith());

  it("has one right beside logging and tracing: to change the consumer's event source", () => {
    const policies = Object.entries(stack.resources("aws_iam_role_policy"));
    const [, policy] = policies.find(([name]) => name.includes("breaker")) ?? [];
    const { Statement } = JSON.parse(String(policy?.policy));
    expect(Statement.filter(({ Sid }: { Sid: string }) => !["Log", "Trace"].includes(Sid))).toEqual([
      {
        Sid: "StopTheConsumer",
        Effect: "Allow",
        Action: "lambda:UpdateEventSourceMapping",
        Resource: expect.stringMatching(/^\$\{aws_lambda_event_source_mapping\.\w+\.arn}$/),
      },
    ]);
  });

  it("answers to the alarms on spending only", () => {
    const permissions = Object.values(stack.resources("aws_lambda_permission")).filter(({ function_name }) =>
      String(function_name).includes("breaker"),
    );
    expect(permissions).toEqual(
      ["day", "hour", "week"].map((window) =>
        expect.objectContaining({
          principal: "lambda.alarms.cloudwatch.amazonaws.com",
          source_arn: expect.stringMatching(
            new RegExp(`^\\$\\{aws_cloudwatch_metric_alarm\\.\\w+_spend-${window}_\\w+\\.arn}$`),
          ),
        }),
      ),
    );
  });

  it("pages at its first failure", () => {
    const [, alarm] =
      Object.entries(stack.resources("aws_cloudwatch_metric_alarm")).find(([name]) =>
        name.includes("breaker-errors"),
      ) ?? [];
    expect(alarm).toMatchObject({
      comparison_operator: "GreaterThanThreshold",
      ...{ threshold: 0, datapoints_to_alarm: 1 },
      alarm_description: expect.stringMatching(/^PAGE/),
    });
  });

  it("is not undone by the next apply", () => {
    expect(stack.resource("aws_lambda_event_source_mapping").lifecycle).toEqual({
      ignore_changes: ["enabled"],
    });
  });
});
