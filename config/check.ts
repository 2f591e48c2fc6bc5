import { z } from "zod";
import { lifecycleOf } from "../functions/domain/models.ts";
import { alarmProblems, BESIDE_CALL_SECONDS } from "./alarms.ts";
import { concurrencyProblem } from "./concurrency.ts";
import { MODEL_IDS, type Settings, type SettingsProblem, settingsSchema } from "./settings.ts";

export type CheckedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SettingsProblem[] };

/** Checks the settings of an environment and reports all mistakes together. */
export function checkSettings(input: unknown): CheckedSettings {
  const result = settingsSchema.safeParse(input, {
    error: ({ code, input }) =>
      code === "invalid_type" && input === undefined
        ? "is missing. Fix: compare with config/settings.ts"
        : undefined,
  });
  const problems = [
    ...(result.success ? [] : result.error.issues.flatMap(toProblems)),
    ...lifecycleProblems(input),
    ...concurrencyProblems(input),
    ...accountProblems(result.data),
    ...timeoutProblems(input),
    ...alarmProblems(input),
  ];
  return result.success && problems.length === 0
    ? { ok: true, settings: result.data }
    : { ok: false, problems };
}

function toProblems(issue: z.core.$ZodIssue): SettingsProblem[] {
  if (issue.code !== "unrecognized_keys") return [issue];
  return issue.keys.map((key) => ({ path: [...issue.path, key], message: "is no setting. Fix: remove it" }));
}

// What follows looks at settings together, and so only at those that are sound by themselves.

const { models, consumer } = settingsSchema.shape;
const model = models.element;

const named = z.object({
  models: z.array(
    z.object({
      id: model.shape.id.optional().catch(undefined),
      region: model.shape.region.catch(undefined),
    }),
  ),
});

function lifecycleProblems(input: unknown): SettingsProblem[] {
  return (named.safeParse(input).data?.models ?? []).flatMap(({ id, region }, index): SettingsProblem[] => {
    if (id === undefined) return [];
    const problem = (field: string, message: string) => [{ path: ["models", index, field], message }];
    const lifecycle = lifecycleOf(id, new Date());
    switch (lifecycle.state) {
      case "retired": {
        const since = lifecycle.endOfLife === undefined ? "" : ` since ${lifecycle.endOfLife}`;
        return problem("id", `is at its end of life${since}. Fix: use one of ${MODEL_IDS}`);
      }
      case "unknown":
        return problem("id", `is not in the catalogue. Fix: use one of ${MODEL_IDS}`);
      default: {
        const { regions } = lifecycle.model;
        if (region === undefined || regions.includes(region)) return [];
        return problem("region", `does not serve ${id}. Fix: use ${regions.join(" or ")}, or leave it out`);
      }
    }
  });
}

const limited = z.object({ models: z.array(model.pick({ concurrency: true }).strip()) });

/** The fewest invocations at once that an SQS event source can be limited to. */
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html#events-sqs-max-concurrency
const FEWEST_INVOCATIONS = 2;

function concurrencyProblems(input: unknown): SettingsProblem[] {
  const [first] = limited.safeParse(input).data?.models ?? [];
  if (first === undefined || first.concurrency >= FEWEST_INVOCATIONS) return [];
  return [
    {
      path: ["models", 0, "concurrency"],
      message: `is too small: Lambda paints at least ${FEWEST_INVOCATIONS} prompts at once. Fix: raise it to ${FEWEST_INVOCATIONS}`,
    },
  ];
}

function accountProblems(settings: Settings | undefined): SettingsProblem[] {
  const [first] = settings?.models ?? [];
  if (settings === undefined || first === undefined) return [];
  const { accountConcurrency, api } = settings;
  const problem = concurrencyProblem({
    accountConcurrency,
    consumer: first.concurrency,
    throttling: api.throttling,
  });
  return problem === undefined ? [] : [problem];
}

const timing = z.object({
  consumer: consumer.pick({ timeoutSeconds: true, modelTimeoutSeconds: true }).strip(),
});

function timeoutProblems(input: unknown): SettingsProblem[] {
  const { data } = timing.safeParse(input);
  if (data === undefined) return [];
  const longest = data.consumer.timeoutSeconds - BESIDE_CALL_SECONDS;
  if (data.consumer.modelTimeoutSeconds <= longest) return [];
  return [
    {
      path: ["consumer", "modelTimeoutSeconds"],
      message: `leaves no time to store the picture. Fix: lower it to ${longest}, or raise consumer.timeoutSeconds`,
    },
  ];
}
