import { z } from "zod";
import type { Cloud } from "../cloud.ts";
import type { Progress } from "./progress.ts";

const logLineSchema = z.object({ level: z.string() });
const LOUD = ["WARN", "ERROR", "FATAL"];

/** Shows what the functions log: warnings and errors, or everything. */
export function report(cloud: Cloud, progress: Progress, everything: boolean): void {
  cloud.events.on("line", ({ functionName, line }) => {
    if (everything || isWarning(line)) progress.say(`${functionName}: ${line}`);
  });
  cloud.events.on("invocation", ({ functionName, outcome }) => {
    if (outcome.type !== "error") return;
    progress.say(`${functionName}: ${outcome.error.errorType}: ${outcome.error.errorMessage}`);
  });
  cloud.events.on("alarm", ({ alarm, from, to, reason }) => {
    // That a new alarm has found nothing wrong is no news.
    if (from !== "ALARM" && to !== "ALARM") return;
    progress.say(`${to} ${alarm.name} (${reason})`);
    if (to !== "ALARM") return;
    // The page is on this machine as well, and as old as the alarm.
    const description = alarm.description.replace(/https:\/\/github\.com\/\S+(?=docs\/runbooks\/)/, "");
    progress.say(description.replaceAll(/^/gm, "  "));
  });
  cloud.events.on("webhook", ({ answer, isLast }) => {
    if (answer === 200 || answer === 204) return;
    progress.say(`The webhook answers ${answer}: ${isLast ? "given up" : "delivered again later"}`);
  });
  cloud.events.on("trouble", (error) => {
    progress.say(`A queue does not answer: ${error instanceof Error ? error.message : String(error)}`);
  });
}

function isWarning(line: string): boolean {
  if (!line.startsWith("{")) return false;
  try {
    const parsed = logLineSchema.safeParse(JSON.parse(line));
    return parsed.success && LOUD.includes(parsed.data.level.toUpperCase());
  } catch {
    return false;
  }
}
