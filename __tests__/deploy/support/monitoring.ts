import { join } from "node:path";
import { CloudWatchClient, DescribeAlarmsCommand, GetDashboardCommand } from "@aws-sdk/client-cloudwatch";
import {
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from "@aws-sdk/client-iam";
import {
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from "@aws-sdk/client-lambda";
import { GetTopicAttributesCommand, ListSubscriptionsByTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { describe, expect, it } from "vitest";
import { alarmArns } from "../../../config/names.ts";
import { readAlarms } from "../../../local/cloudwatch/alarm-specs.ts";
import { Terraform } from "../../../local/stack/terraform.ts";
import { ALARM_EMAIL, type Credentials } from "./environment.ts";
import type { Project } from "./project.ts";

export interface Deployment {
  readonly project: Project;
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: Credentials;
  };
}

const ACCOUNT = "123456789012";
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:${ACCOUNT}:${resource}`;
const TOPICS = { page: arn("sns", "image-alarms-page-dev"), ticket: arn("sns", "image-alarms-ticket-dev") };
const BREAKER = "spend-breaker-dev";
const SPEND_ALARMS = ["hour", "day", "week"].map((window) =>
  arn("cloudwatch", `alarm:image-generation-dev-spend-${window}`),
);
/** What only the environment's alarms fulfil. */
const fromAlarms = {
  StringEquals: { "aws:SourceAccount": ACCOUNT },
  ArnEquals: { "aws:SourceArn": alarmArns({ suffix: "dev", region: "eu-west-1" }, ACCOUNT) },
};

/** The tests of what watches a deployed environment. They change nothing, so they share its deployment. */
export function testMonitoring(deployment: () => Deployment): void {
  const describeAlarms = () =>
    new CloudWatchClient(deployment().client).send(
      new DescribeAlarmsCommand({ AlarmTypes: ["MetricAlarm", "CompositeAlarm"] }),
    );

  describe("is watched by alarms that", () => {
    it("are those that were synthesised, with the same metrics and rules", async () => {
      const { MetricAlarms = [] } = await describeAlarms();
      const deployed = MetricAlarms.map((alarm) => ({
        name: alarm.AlarmName,
        rule: {
          comparison: alarm.ComparisonOperator,
          threshold: alarm.Threshold,
          evaluationPeriods: alarm.EvaluationPeriods,
          datapointsToAlarm: alarm.DatapointsToAlarm,
          missingData: alarm.TreatMissingData,
        },
        metrics: [
          ...(alarm.MetricName === undefined ? [] : [alarm.MetricName]),
          ...(alarm.Metrics ?? []).flatMap(({ MetricStat }) => MetricStat?.Metric?.MetricName ?? []),
        ].toSorted((a, b) => a.localeCompare(b)),
      }));
      const directory = join(deployment().project.folder, "cdktf.out/stacks/pipeline");
      const alarms = readAlarms(await Terraform.read({ directory, endpoint: "" }));
      const synthesised = alarms.map(({ name, rule, metrics }) => ({
        name,
        rule,
        metrics: [...metrics.values()].map((metric) => metric.name).toSorted((a, b) => a.localeCompare(b)),
      }));
      expect(synthesised).not.toEqual([]);
      expect(byName(deployed)).toEqual(byName(synthesised));
    });

    it("tell the topic of their severity when they start and when they end; those on spending also stop the consumer", async () => {
      const { MetricAlarms = [], CompositeAlarms } = await describeAlarms();
      expect(CompositeAlarms ?? []).toEqual([]);
      for (const { AlarmArn = "", AlarmDescription, AlarmActions, OKActions } of MetricAlarms) {
        const topic = AlarmDescription?.startsWith("PAGE") ? TOPICS.page : TOPICS.ticket;
        const also = SPEND_ALARMS.includes(AlarmArn) ? [arn("lambda", `function:${BREAKER}`)] : [];
        expect(AlarmActions?.toSorted(), AlarmArn).toEqual([...also, topic]);
        expect(OKActions, AlarmArn).toEqual([topic]);
      }
    });
  });

  describe.each(["page", "ticket"] as const)("has a topic for each %s that", (severity) => {
    const TopicArn = TOPICS[severity];
    const attributes = async () => {
      const { Attributes = {} } = await new SNSClient(deployment().client).send(
        new GetTopicAttributesCommand({ TopicArn }),
      );
      return Attributes;
    };

    it("takes messages from the environment's alarms only, and nothing without TLS", async () => {
      expect(JSON.parse((await attributes()).Policy ?? "").Statement).toEqual([
        {
          Sid: "AlarmsOnly",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Resource: TopicArn,
          Condition: fromAlarms,
        },
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "sns:Publish",
          Resource: TopicArn,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ]);
    });

    it("is encrypted with the key of the bootstrap", async () => {
      expect((await attributes()).KmsMasterKeyId).toBe("alias/couch-explorers-dev");
    });

    it("sends e-mail to the address in alarm_email, once although it is listed twice", async () => {
      const { Subscriptions = [] } = await new SNSClient(deployment().client).send(
        new ListSubscriptionsByTopicCommand({ TopicArn }),
      );
      expect(Subscriptions.map(({ Protocol, Endpoint }) => [Protocol, Endpoint])).toEqual([
        ["email", ALARM_EMAIL],
      ]);
    });
  });

  it("has a dashboard that shows every alarm of its own", async () => {
    const { DashboardBody } = await new CloudWatchClient(deployment().client).send(
      new GetDashboardCommand({ DashboardName: "image-generation-dev" }),
    );
    const { widgets } = JSON.parse(DashboardBody ?? "");
    const { MetricAlarms = [] } = await describeAlarms();
    expect([...widgets[0].properties.alarms].sort()).toEqual(
      MetricAlarms.map(({ AlarmArn }) => AlarmArn).sort(),
    );
  });

  describe("has a spend breaker that", () => {
    const consumersEventSource = async () => {
      const { EventSourceMappings = [] } = await new LambdaClient(deployment().client).send(
        new ListEventSourceMappingsCommand({ FunctionName: "image-processor-dev" }),
      );
      expect(EventSourceMappings).toHaveLength(1);
      return EventSourceMappings[0]?.UUID ?? "";
    };

    it("may do one thing to one event source, beside writing its log and trace", async () => {
      const iam = new IAMClient(deployment().client);
      const RoleName = BREAKER;
      const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
      expect(AttachedPolicies).toEqual([]);
      const { PolicyNames } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
      expect(PolicyNames).toEqual([BREAKER]);
      const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: BREAKER }));
      const { Statement } = JSON.parse(decodeURIComponent(PolicyDocument ?? ""));
      expect(Statement.map(({ Action, Resource }: Record<string, unknown>) => [Action, Resource])).toEqual([
        [["logs:CreateLogStream", "logs:PutLogEvents"], arn("logs", `log-group:/aws/lambda/${BREAKER}:*`)],
        [["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"],
        [
          "lambda:UpdateEventSourceMapping",
          arn("lambda", `event-source-mapping:${await consumersEventSource()}`),
        ],
      ]);
    });

    it("stops the consumer's event source, and answers to the alarms on spending only", async () => {
      const lambda = new LambdaClient(deployment().client);
      const { Environment } = await lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: BREAKER }),
      );
      expect(Environment?.Variables?.EVENT_SOURCE_ID).toBe(await consumersEventSource());
      const { Policy } = await lambda.send(new GetPolicyCommand({ FunctionName: BREAKER }));
      const { Statement } = JSON.parse(Policy ?? "");
      expect(Statement).toHaveLength(SPEND_ALARMS.length);
      expect(Statement).toEqual(
        expect.arrayContaining(
          SPEND_ALARMS.map((alarm) =>
            expect.objectContaining({
              Effect: "Allow",
              Principal: { Service: "lambda.alarms.cloudwatch.amazonaws.com" },
              Action: "lambda:InvokeFunction",
              Condition: { ArnLike: { "AWS:SourceArn": alarm } },
            }),
          ),
        ),
      );
    });
  });
}

function byName<T extends { readonly name: string | undefined }>(alarms: readonly T[]): T[] {
  return alarms.toSorted((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
}
