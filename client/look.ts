import { Command } from "commander";
import { ClientError, EXIT } from "./exit.ts";
import { type FollowOptions, follow, whereItIs } from "./follow.ts";
import { addFollowOptions, addJsonOption, type JsonOption, wholeNumber } from "./options.ts";
import { print, printJson } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import { describe, newestRecords, parseRequestId, readRecord } from "./records.ts";
import { startStatusLine } from "./status-line.ts";

interface ListOptions extends JsonOption {
  readonly limit: number;
}

export function waitCommand(): Command {
  const command = new Command("wait")
    .description("Wait for a picture and save it. It is not painted again.")
    .argument("<request-id>", "as printed by send")
    .action(async (text: string, options: FollowOptions) => {
      const requestId = parseRequestId(text);
      process.exitCode = await follow(new Pipeline(process.env), requestId, options, startStatusLine());
    });
  return addJsonOption(addFollowOptions(command));
}

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
      if (json) printJson(record);
      else print(requestId, record.status, where);
    });
  return addJsonOption(command);
}

export function listCommand(): Command {
  const command = new Command("list")
    .description("List the newest requests, newest first.")
    .option("--limit <number>", "how many", wholeNumber(1, 1000), 20)
    .action(async ({ limit, json }: ListOptions) => {
      for (const record of await newestRecords(new Pipeline(process.env), limit)) {
        if (json) printJson(record);
        else print(record.requestId, record.timings.queuedAt, record.status, describe(record));
      }
    });
  return addJsonOption(command);
}
