import type { z } from "zod";
import { models } from "../functions/domain/models.ts";
import { alarmProblems, BESIDE_CALL_SECONDS } from "./alarms.ts";
import { concurrencyProblems } from "./concurrency.ts";
import { type Settings, type SettingsProblem, settingsSchema } from "./settings.ts";

export type CheckedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SettingsProblem[] };

/**
 * Checks the settings of an environment. Reports all settings that are not valid together; once each is valid, all that
 * do not fit together.
 */
export function checkSettings(input: unknown): CheckedSettings {
  const { data: settings, error } = settingsSchema.safeParse(input, {
    error: ({ code, input }) =>
      code === "invalid_type" && input === undefined
        ? "is missing. Compare with config/settings.ts"
        : undefined,
  });
  if (settings === undefined) return { ok: false, problems: error?.issues.flatMap(toProblems) ?? [] };
  const problems = [
    ...modelProblems(settings),
    ...timeoutProblems(settings),
    ...concurrencyProblems(settings),
    ...alarmProblems(settings),
  ];
  return problems.length === 0 ? { ok: true, settings } : { ok: false, problems };
}

function toProblems(issue: z.core.$ZodIssue): SettingsProblem[] {
  if (issue.code !== "unrecognized_keys") return [issue];
  return issue.keys.map((key) => ({ path: [...issue.path, key], message: "is not a setting. Remove it" }));
}

function modelProblems(settings: Settings): SettingsProblem[] {
  return settings.models.flatMap(({ id, region }, index) => {
    const regions: readonly string[] = models.find((model) => model.id === id)?.regions ?? [];
    if (region === undefined || regions.includes(region)) return [];
    return {
      path: ["models", index, "region"],
      message: `does not serve ${id}. Use ${regions.join(" or ")}, or leave it out`,
    };
  });
}

function timeoutProblems({ consumer: { timeoutSeconds, modelTimeoutSeconds } }: Settings): SettingsProblem[] {
  const longest = timeoutSeconds - BESIDE_CALL_SECONDS;
  if (modelTimeoutSeconds <= longest) return [];
  return [
    {
      path: ["consumer", "modelTimeoutSeconds"],
      message: `leaves no time to store the picture. Lower it to ${longest}, or raise consumer.timeoutSeconds`,
    },
  ];
}
