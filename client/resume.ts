import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import {
  type EventSourceMappingConfiguration,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ResourceNotFoundException,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { Command } from "commander";
import { rememberAction } from "./aws-errors.ts";
import { ClientError, EXIT, interrupted, usageError } from "./exit.ts";
import { addJsonOption, type JsonOption } from "./options.ts";
import { print, printJson, remark } from "./output.ts";
import { Pipeline } from "./pipeline.ts";

interface ResumeOptions extends JsonOption {
  readonly force?: true;
}

export function resumeCommand(): Command {
  const command = new Command("resume")
    .description("Start the consumer again after the spend breaker has stopped it.")
    .option("--force", "although models still cost more than the limit")
    .action(resume);
  return addJsonOption(command);
}

async function resume({ force, json }: ResumeOptions): Promise<void> {
  const { queueUrl, region } = new Pipeline(process.env);
  const { consumer, alarms } = namesOf(queueUrl);
  const lambda = new LambdaClient({ region });
  const cloudWatch = new CloudWatchClient({ region });
  lambda.middlewareStack.add(rememberAction("lambda"), { step: "initialize" });
  cloudWatch.middlewareStack.add(rememberAction("cloudwatch"), { step: "initialize" });
  const report = (outcome: "running" | "resumed", sentence: string): Promise<void> =>
    json ? printJson({ consumer, outcome }) : print(sentence);

  const { UUID, State: state } = await eventSourceOf(lambda, consumer, region);
  // Enabling, or Enabled.
  if (state?.startsWith("Enabl")) {
    await report("running", `${consumer} is running.`);
    return;
  }
  const { MetricAlarms = [] } = await cloudWatch.send(
    new DescribeAlarmsCommand({ AlarmNames: alarms, AlarmTypes: ["MetricAlarm"] }),
    { abortSignal: interrupted },
  );
  const firing = MetricAlarms.filter(({ StateValue }) => StateValue === "ALARM");
  const names = firing.map(({ AlarmName }) => AlarmName).join(", ");
  if (firing.length > 0 && !force) {
    const limits = firing.map(
      ({ AlarmName, Threshold }) => `${Threshold} US dollars within the last ${AlarmName?.split("-").at(-1)}`,
    );
    throw new ClientError(
      `${consumer} stays stopped, ALARM: ${names}. Models cost more than ${limits.join(", ")}. Wait until it is OK, raise the limit and deploy, or use --force.`,
      EXIT.failed,
    );
  }
  interrupted.throwIfAborted();
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
  await report("resumed", `${consumer} runs again.`);
  if (firing.length > 0) remark(`These can stop it again only once they have been OK: ${names}.`);
}

/** What an environment calls its parts follows from its queue's name. */
function namesOf(queueUrl: string): { readonly consumer: string; readonly alarms: string[] } {
  const suffix = /\/image-generation-queue-([\w-]+)$/.exec(queueUrl)?.[1];
  if (suffix === undefined) {
    throw usageError(
      `SQS_QUEUE_URL is not that of a queue of prompts, image-generation-queue-<environment>: ${queueUrl}`,
    );
  }
  return {
    consumer: `image-processor-${suffix}`,
    alarms: ["hour", "day", "week"].map((window) => `image-generation-${suffix}-spend-${window}`),
  };
}

async function eventSourceOf(
  lambda: LambdaClient,
  consumer: string,
  region: string,
): Promise<EventSourceMappingConfiguration> {
  const { EventSourceMappings: [eventSource] = [] } = await lambda
    .send(new ListEventSourceMappingsCommand({ FunctionName: consumer }), { abortSignal: interrupted })
    .catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return { EventSourceMappings: [] };
      throw error;
    });
  if (eventSource !== undefined) return eventSource;
  throw new ClientError(
    `${consumer} has no event source in ${region}. Check the account and the name in SQS_QUEUE_URL, or deploy the pipeline again.`,
    EXIT.failed,
  );
}
