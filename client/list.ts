import { Command } from "commander";
import { addJsonOption, type JsonOption, wholeNumber } from "./options.ts";
import { print, printJson } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import { describe, newestRecords } from "./records.ts";

interface ListOptions extends JsonOption {
  readonly limit: number;
  readonly owner?: string;
}

export function listCommand(): Command {
  const command = new Command("list")
    .description("List requests, the newest first: id, time of the last change, state.")
    .option("--limit <number>", "how many", wholeNumber(1, 1000), 20)
    .option("--owner <hash>", "only of this owner, as its records name it, or of nobody; default: of all")
    .action(async ({ limit, owner, json }: ListOptions) => {
      for (const { record, changedAt } of await newestRecords(new Pipeline(process.env), limit, owner)) {
        if (json) await printJson({ ...record, changedAt });
        else await print(record.requestId, changedAt, record.status, describe(record));
      }
    });
  return addJsonOption(command);
}
