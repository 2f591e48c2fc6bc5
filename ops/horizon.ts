import { loadSettings } from "../config/load.ts";
import { calendar, dayOf, lastDay, linesDue, readDay } from "./calendar.ts";
import { DeployError } from "./errors.ts";
import { checkModels, hasCredentials, readCatalogue } from "./models.ts";
import { command, environment } from "./tool.ts";

await command(async () => {
  const today = readDay("horizon");
  const settings = await loadSettings(environment);
  const asked = (await hasCredentials()) ? await checkModels(settings, today) : undefined;
  const models = asked?.dated ?? readCatalogue(settings);
  const due = linesDue([...calendar, ...models], today);
  console.log(`From ${dayOf(today)} to ${lastDay(today)}, with the models of ${settings.suffix}:`);
  for (const line of due) console.log(`- ${line}`);
  if (due.length === 0) console.log("Nothing ends, and nothing is due for review.");
  console.log(
    asked === undefined
      ? "The models' days are those of the catalogue. With AWS credentials, Amazon Bedrock is asked."
      : "Amazon Bedrock was asked about the models.",
  );
  if (asked !== undefined && asked.unknown.length > 0) throw new DeployError(asked.unknown.join("\n"));
});
