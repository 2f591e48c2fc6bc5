import { Command } from "commander";
import { type FollowOptions, follow } from "./follow.ts";
import { addFollowOptions, addJsonOption } from "./options.ts";
import { Pipeline } from "./pipeline.ts";
import { parseRequestId } from "./records.ts";
import { makeOutputFolder } from "./save-picture.ts";
import { startStatusLine } from "./status-line.ts";

export function waitCommand(): Command {
  const command = new Command("wait")
    .description("Wait for a picture and save it. It is not painted again.")
    .argument("<request-id>", "as printed by send")
    .action(async (text: string, options: FollowOptions) => {
      const requestId = parseRequestId(text);
      const pipeline = new Pipeline(process.env);
      // What is wrong use is told before the wait.
      await makeOutputFolder(options.output, 1);
      process.exitCode = await follow(pipeline, requestId, options, startStatusLine());
    });
  return addJsonOption(addFollowOptions(command));
}
