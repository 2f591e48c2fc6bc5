import { createServer } from "node:http";
import { expect, it } from "vitest";
import { checkSettings } from "../config/check.ts";
import { settings as dev } from "../config/environments/dev.ts";
import type { SettingsInput } from "../config/settings.ts";
import { explain } from "../ops/errors.ts";
import { checkConcurrency } from "../ops/preflight.ts";
import { serveAs } from "./support/serve-as.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const slow = { ...dev.api, throttling: { burst: 1, ratePerSecond: 1 } };
const two = [{ id: "stability.stable-image-core-v1:1", concurrency: 2 }];

function problemsOf(change: Partial<SettingsInput>): string[] {
  const checked = checkSettings({ ...dev, ...change });
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
}

function apiFunction(change: Partial<SettingsInput>) {
  const functions = Object.values(synthesise(settingsWith(change)).resources("aws_lambda_function"));
  return functions.find(({ function_name }) => function_name === "image-api-dev");
}

/** Lambda's answer to GetAccountSettings. https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html */
async function withAccountOf(limit: number, ask: () => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    expect(request.url).toBe("/2016-08-19/account-settings");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ AccountLimit: { ConcurrentExecutions: limit } }));
  });
  const stop = await serveAs("LAMBDA", server);
  try {
    await ask();
  } finally {
    await stop();
  }
}

it("the API gets a quarter of the account's concurrency, so that waiting callers leave the rest to the consumer", () => {
  expect(apiFunction({})).toMatchObject({
    reserved_concurrent_executions: 250,
    environment: { variables: { MAY_WAIT: "true" } },
  });
});

it("in a new account with 10 executions the API reserves nothing and does not wait", () => {
  const api = apiFunction({ accountConcurrency: 10, models: two, api: slow });
  expect(api).toMatchObject({ environment: { variables: { MAY_WAIT: "false" } } });
  expect(api).not.toHaveProperty("reserved_concurrent_executions");
});

it("settings are refused whose throttle lets the API use up a small account, with the number that fits", () => {
  expect(problemsOf({ accountConcurrency: 10, models: two })).toEqual([
    "api.throttling lets the API use all 10 executions of the account: the consumer needs 3 of them, and Lambda reserves none in an account below 134. Lower burst and ratePerSecond to 7 together, or raise the account's quota and accountConcurrency to 134",
  ]);
});

it("settings are refused whose consumer has no room beside the API, with the number that does", () => {
  const models = [{ id: "stability.stable-image-core-v1:1", concurrency: 800 }];
  expect(problemsOf({ models, monthlyBudgetUsd: 100_000 })).toEqual([
    "accountConcurrency leaves 750 executions beside the API, but the consumer and the spend breaker need 801. Raise the account's quota and this setting to 1068, or lower models[0].concurrency to 749",
  ]);
  const perMinute = [{ id: "stability.stable-image-core-v1:1", requestsPerMinute: 4800 }];
  expect(problemsOf({ models: perMinute, monthlyBudgetUsd: 100_000 })).toEqual([
    expect.stringMatching(/or lower models\[0\]\.requestsPerMinute to 4494$/),
  ]);
});

it("preflight refuses settings that count on more concurrency than the account has, and says what to set or to request", async () => {
  await withAccountOf(10, async () => {
    await expect(checkConcurrency(settingsWith({ models: two, api: slow }))).rejects.toThrow(
      "This account runs at most 10 functions at once in eu-west-1, but accountConcurrency is 1000. Set it to 10 in config/environments, or request a higher quota: aws service-quotas",
    );
  });
});

it("preflight says what else an account needs that is too small for the models", async () => {
  await withAccountOf(10, async () => {
    await expect(checkConcurrency(settingsWith({ models: two }))).rejects.toThrow(
      /Set it to 10 in config\/environments\. With that, api\.throttling lets the API use all 10 executions.* Lower burst and ratePerSecond to 7 together/,
    );
  });
});

it("preflight accepts an account that has as much or more", async () => {
  await withAccountOf(1000, () => checkConcurrency(settingsWith()));
});

it("an apply that Lambda refuses because others have reserved too much says so", () => {
  const output =
    "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].";
  expect(explain(output)?.message).toContain("fewer than 100 executions would be left");
});
