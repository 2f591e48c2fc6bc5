import { Command } from "commander";
import { ClientError, EXIT } from "./exit.ts";
import { whereItIs } from "./follow.ts";
import { addJsonOption, type JsonOption } from "./options.ts";
import { print, printJson } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import { parseRequestId, readRecord } from "./records.ts";

export function statusCommand(): Command {
  const command = new Command("status")
    .description("Show where a request is.")
    .argument("<request-id>", "as printed by send")
    .action(async (text: string, { json }: JsonOption) => {
      const requestId = parseRequestId(text);
      const pipeline = new Pipeline(process.env);
      const record = await readRecord(pipeline, requestId);
      const where = await whereItIs(pipeline, record);
      if (record === undefined) {
        throw new ClientError(
          `There is no record of ${requestId}: never sent, or still ${where}.`,
          EXIT.failed,
        );
      }
      if (json) await printJson(record);
      else await print(requestId, record.status, where);
    });
  return addJsonOption(command);
}
