import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { Command } from "commander";
import { loadSettings } from "../../config/load.ts";
import { alarmName, consumerName } from "../../config/names.ts";

interface Options {
  readonly environment: string;
  readonly force?: true;
}

const program = new Command("npm run resume --")
  .description("Starts the consumer again after the spend breaker has stopped it.")
  .option("--environment <name>", "which environment", "dev")
  .option("--force", "resume although models still cost more than the limit")
  .parse();

try {
  console.info(await resume(program.opts<Options>()));
} catch (error) {
  // What AWS refuses explains itself, as what is refused here does.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Resolves to what was done. Throws why it was not. */
async function resume({ environment, force }: Options): Promise<string> {
  const { region, suffix } = await loadSettings(environment);
  const lambda = new LambdaClient({ region });
  const consumer = consumerName(suffix);
  const { EventSourceMappings: [eventSource] = [] } = await lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName: consumer }),
  );
  if (eventSource?.UUID === undefined) throw new Error(`${consumer} has no event source in ${region}.`);
  // Enabling, or Enabled.
  if (eventSource.State?.startsWith("Enabl")) return `${consumer} is running.`;

  const name = alarmName(suffix, "spend");
  const { MetricAlarms: [alarm] = [] } = await new CloudWatchClient({ region }).send(
    new DescribeAlarmsCommand({ AlarmNames: [name], AlarmTypes: ["MetricAlarm"] }),
  );
  const stillTooMuch = alarm?.StateValue === "ALARM";
  if (stillTooMuch && !force) {
    throw new Error(
      `${consumer} stays stopped: ${name} still fires, models cost more than ${alarm.Threshold} US dollars within the last hour. Wait until it is OK, raise the limit and deploy, or use --force.`,
    );
  }
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID: eventSource.UUID, Enabled: true }));
  return stillTooMuch
    ? `${consumer} runs again. The breaker can stop it again only once ${name} has been OK.`
    : `${consumer} runs again.`;
}
