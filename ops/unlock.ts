import { loadSettings } from "../config/load.ts";
import { DeployError } from "./errors.ts";
import { preflight } from "./preflight.ts";
import { command, environment, openPipeline, terraform } from "./tool.ts";

await command(async () => {
  const [id] = process.argv.slice(2).filter((argument) => argument !== "--yes");
  if (id === undefined) {
    throw new DeployError(
      "The id of the lock is missing. The error message State locked names it. Type: npm run unlock -- <id>",
    );
  }
  await preflight(await loadSettings(environment));
  await openPipeline();
  await terraform("pipeline", ["force-unlock", "-force", id]);
});
