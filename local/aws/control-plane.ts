import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { z } from "zod";
import type { CloudWatch } from "../cloudwatch/cloudwatch.ts";
import type { EventSourceMapping } from "../lambda/event-source-mapping.ts";

/** What the local cloud knows beside queues, topics and objects. */
export interface Controlled {
  readonly eventSources: readonly EventSourceMapping[];
  readonly cloudWatch: CloudWatch;
}

const MAPPINGS = /^\/2015-03-31\/event-source-mappings\/?([^/?]*)(?:\?(.*))?$/;
const DESCRIBE_ALARMS = "GraniteServiceVersion20100801.DescribeAlarms";

/** Whether a request is one of those that {@link answer} knows, and not the emulator's. */
export function isControl({ url = "", headers }: IncomingMessage): boolean {
  return MAPPINGS.test(url) || headers["x-amz-target"] === DESCRIBE_ALARMS;
}

/** Answers the calls of Lambda's and CloudWatch's APIs by which the consumer is stopped, looked at, and resumed. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  controlled: Controlled,
): Promise<void> {
  const reply = (status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  try {
    if (request.headers["x-amz-target"] === DESCRIBE_ALARMS) {
      reply(200, describeAlarms(await json(request), controlled.cloudWatch));
      return;
    }
    const [, uuid = "", query] = MAPPINGS.exec(request.url ?? "") ?? [];
    if (uuid === "") {
      const wanted = new URLSearchParams(query).get("FunctionName") ?? "";
      const mappings = controlled.eventSources.filter(({ functionArn }) => functionArn.endsWith(wanted));
      reply(200, { EventSourceMappings: mappings.map(describeMapping) });
      return;
    }
    const mapping = controlled.eventSources.find((candidate) => candidate.uuid === uuid);
    if (mapping === undefined) {
      reply(404, { Type: "User", Message: `There is no event source mapping ${uuid}.` });
      return;
    }
    if (request.method === "PUT") {
      const { Enabled } = z.object({ Enabled: z.boolean() }).parse(await json(request));
      if (Enabled) mapping.enable();
      else void mapping.disable();
    }
    reply(request.method === "PUT" ? 202 : 200, describeMapping(mapping));
  } catch (error) {
    reply(400, { Type: "User", Message: error instanceof Error ? error.message : String(error) });
  }
}

function describeMapping({ uuid, functionArn, state }: EventSourceMapping): object {
  return { UUID: uuid, FunctionArn: functionArn, State: state };
}

const filterSchema = z.object({
  AlarmNames: z.array(z.string()).optional(),
  AlarmNamePrefix: z.string().default(""),
  StateValue: z.string().optional(),
});

function describeAlarms(input: unknown, cloudWatch: CloudWatch): object {
  const { AlarmNames, AlarmNamePrefix, StateValue } = filterSchema.parse(input);
  return {
    MetricAlarms: cloudWatch.specs
      .filter(({ name }) => AlarmNames?.includes(name) ?? name.startsWith(AlarmNamePrefix))
      .map(({ name, arn, description, rule }) => ({
        AlarmName: name,
        AlarmArn: arn,
        AlarmDescription: description,
        Threshold: rule.threshold,
        StateValue: cloudWatch.evaluator.state(name),
        StateReason: cloudWatch.evaluator.reason(name),
      }))
      .filter((alarm) => StateValue === undefined || alarm.StateValue === StateValue),
  };
}
