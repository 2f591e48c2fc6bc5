import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { explain } from "./aws-errors.ts";
import { dlqCommand } from "./dlq.ts";
import { doctorCommand } from "./doctor.ts";
import { EXIT } from "./exit.ts";
import { listCommand } from "./list.ts";
import { remark } from "./output.ts";
import { resumeCommand } from "./resume.ts";
import { sendCommand } from "./send.ts";
import { statusCommand } from "./status.ts";
import { waitCommand } from "./wait.ts";
import { cancelCommand, deleteCommand } from "./withdraw.ts";

const ENVIRONMENT = `
Environment:
  SQS_QUEUE_URL            the queue of prompts: the pipeline's output sqs_queue_url. Its region counts.
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ...
                           credentials, as for every AWS tool
  AWS_ENDPOINT_URL         an emulator instead of AWS
  IMAGE_BUCKET, KEY_PREFIX where pictures are, if the queue's tags do not say

Exit codes:
  0 done   1 failed   2 wrong use   3 will never be painted   4 timed out   130 interrupted

Examples:
  $ image-generator-client "Me on top of K2" --wait --output k2.png
  $ image-generator-client --file prompts.txt
  $ image-generator-client list --limit 5
`;

const program = new Command("image-generator-client")
  .description("Sends prompts to Couch Explorers, fetches the pictures, and looks after prompts that failed.")
  .version(packageJson.version)
  .addHelpText("after", ENVIRONMENT)
  .addCommand(sendCommand(), { isDefault: true })
  .addCommand(waitCommand())
  .addCommand(statusCommand())
  .addCommand(listCommand())
  .addCommand(cancelCommand())
  .addCommand(deleteCommand())
  .addCommand(dlqCommand())
  .addCommand(resumeCommand())
  .addCommand(doctorCommand());

// These settings are inherited by commands that commander makes itself, and not by those that are added.
for (const command of withSubcommands(program)) {
  command
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "")) })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.done : EXIT.usage));
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

program.parseAsync().catch((error: unknown) => {
  const { message, exitCode } = explain(error);
  remark(message);
  process.exitCode = exitCode;
  // What waits for more of it would keep the process alive.
  process.stdin.destroy();
});
