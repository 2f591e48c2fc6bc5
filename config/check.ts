import { z } from "zod";
import { models } from "../functions/domain/models.ts";
import { alarmProblems, BESIDE_CALL_SECONDS } from "./alarms.ts";
import { concurrencyProblems } from "./concurrency.ts";
import { type Settings, type SettingsProblem, settingsSchema } from "./settings.ts";

export type CheckedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SettingsProblem[] };

const {
  models: modelList,
  imageBucket,
  retention,
  state,
  consumer,
  accountConcurrency,
  api,
  alarms,
  monthlyBudgetUsd,
  region,
} = settingsSchema.shape;

/** Settings that have to fit together. They are compared as soon as they are valid, whatever the others are. */
const comparisons = [
  compare(z.object({ models: modelList }), modelProblems),
  compare(z.object({ imageBucket, state }), bucketProblems),
  compare(z.object({ retention, imageBucket }), retentionProblems),
  compare(z.object({ consumer }), timeoutProblems),
  compare(z.object({ api }), loginProblems),
  compare(z.object({ accountConcurrency, models: modelList, api }), concurrencyProblems),
  compare(z.object({ alarms, consumer, models: modelList, monthlyBudgetUsd, region }), alarmProblems),
];

function compare<Part>(part: z.ZodType<Part>, problemsOf: (settings: Part) => SettingsProblem[]) {
  return (input: unknown): SettingsProblem[] => {
    const { data } = part.safeParse(input);
    return data === undefined ? [] : problemsOf(data);
  };
}

/** Checks the settings of an environment. Reports all mistakes together. */
export function checkSettings(input: unknown): CheckedSettings {
  const { data: settings, error } = settingsSchema.safeParse(input, {
    error: ({ code, input }) =>
      code === "invalid_type" && input === undefined
        ? "is missing. Compare with config/settings.ts"
        : undefined,
  });
  const problems = [
    ...(error?.issues.flatMap(toProblems) ?? []),
    ...comparisons.flatMap((problemsIn) => problemsIn(input)),
  ];
  return settings !== undefined && problems.length === 0 ? { ok: true, settings } : { ok: false, problems };
}

function toProblems(issue: z.core.$ZodIssue): SettingsProblem[] {
  if (issue.code !== "unrecognized_keys") return [issue];
  return issue.keys.map((key) => ({ path: [...issue.path, key], message: "is not a setting. Remove it" }));
}

/** The studio calls the API with its id token, whose audience is the client. */
function loginProblems({ api: { authorisation } }: Pick<Settings, "api">): SettingsProblem[] {
  if (authorisation.kind !== "jwt" || authorisation.clientId === undefined) return [];
  const { clientId, audience } = authorisation;
  if (audience.includes(clientId)) return [];
  const message = `does not have the clientId ${JSON.stringify(clientId)}. Add it: the tokens of the studio have it as their audience`;
  return [{ path: ["api", "authorisation", "audience"], message }];
}

function modelProblems(settings: Pick<Settings, "models">): SettingsProblem[] {
  return settings.models.flatMap(({ id, region }, index) => {
    const regions: readonly string[] = models.find((model) => model.id === id)?.regions ?? [];
    if (region === undefined || regions.includes(region)) return [];
    return {
      path: ["models", index, "region"],
      message: `does not serve ${id}. Use ${regions.join(" or ")}, or leave it out`,
    };
  });
}

function bucketProblems({ imageBucket, state }: Pick<Settings, "imageBucket" | "state">): SettingsProblem[] {
  if (imageBucket.name !== state.bucket) return [];
  const message =
    "is the bucket of the state, which no function may write to. Give the pictures another bucket";
  return [{ path: ["imageBucket", "name"], message }];
}

function timeoutProblems({
  consumer: { timeoutSeconds, modelTimeoutSeconds },
}: Pick<Settings, "consumer">): SettingsProblem[] {
  const longest = timeoutSeconds - BESIDE_CALL_SECONDS;
  if (modelTimeoutSeconds <= longest) return [];
  return [
    {
      path: ["consumer", "modelTimeoutSeconds"],
      message: `leaves no time to store the picture. Lower it to ${longest}, or raise consumer.timeoutSeconds`,
    },
  ];
}

/** Reports what no lifecycle rule could do. */
function retentionProblems({
  retention: { picturesDays, recordsDays },
  imageBucket,
}: Pick<Settings, "retention" | "imageBucket">): SettingsProblem[] {
  const isSet = picturesDays !== undefined || recordsDays !== undefined;
  if (imageBucket.kind === "existing" && isSet) {
    const { keyPrefix } = imageBucket;
    const message = `is for a new bucket: the stack does not change an existing one. Leave it out, and give the bucket lifecycle rules for ${keyPrefix}images/, ${keyPrefix}requests/ and ${keyPrefix}index/`;
    return [{ path: ["retention"], message }];
  }
  if (recordsDays === undefined || (picturesDays !== undefined && picturesDays <= recordsDays)) return [];
  const message =
    "is shorter than pictures are kept: nobody could find or delete a picture without its record. Raise it, or lower retention.picturesDays to it";
  return [{ path: ["retention", "recordsDays"], message }];
}
