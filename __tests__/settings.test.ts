import { describe, expect, it } from "vitest";
import { checkSettings } from "../config/check.ts";
import { derive } from "../config/derived.ts";
import { settings as dev } from "../config/environments/dev.ts";
import { loadSettings, modelWarnings } from "../config/load.ts";
import type { Settings, SettingsInput } from "../config/settings.ts";
import { stableImageCore } from "../functions/domain/models/stable-image-core.ts";
import { lifecycleOf } from "../functions/domain/models.ts";

function checked(input: unknown): Settings {
  const result = checkSettings(input);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.settings;
}

/** `path message` of every problem. */
function problemsOf(input: unknown): string[] {
  const result = checkSettings(input);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
}

function devWith(change: Partial<SettingsInput>): SettingsInput {
  return { ...dev, ...change };
}

describe("settings", () => {
  it.each(["dev", "prod"])("of the environment %s are sound", async (environment) => {
    await expect(loadSettings(environment)).resolves.toMatchObject({ suffix: environment });
  });

  it("report every mistake at once", () => {
    const problems = problemsOf({
      ...dev,
      region: "mars",
      suffix: "Not A Suffix",
      logRetentionDays: 2,
      models: [
        { id: "amazon.titan-image-generator-v2:0", concurrency: 8 },
        { id: "stability.sd3-5-large-v1:0", concurrency: 0.5 },
      ],
      consumer: { ...dev.consumer, modelTimeoutSeconds: dev.consumer.timeoutSeconds },
    });
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
      "region",
      "suffix",
      "models.0.id",
      "models.1.concurrency",
      "logRetentionDays",
      "consumer.modelTimeoutSeconds",
    ]);
  });

  it("refuse a suffix that would name the queue like the dead-letter queue of another environment", () => {
    expect(problemsOf(devWith({ suffix: "dev-dlq" }))).toEqual([
      "suffix ends in -dlq, as the names of dead-letter queues do. Choose another name",
    ]);
  });

  it("refuse a retired model by name and date", () => {
    const [problem] = problemsOf(devWith({ models: [{ id: "amazon.nova-canvas-v1:0", concurrency: 8 }] }));
    expect(problem).toMatch(/^models\.0\.id is at its end of life since 2026-09-30\. Use one of stability\./);
  });

  it("refuse a model that the catalogue does not know", () => {
    const [problem] = problemsOf(devWith({ models: [{ id: "acme.paint-v1:0", concurrency: 8 }] }));
    expect(problem).toMatch(/^models\.0\.id is not in the catalogue/);
  });

  it("refuse a region that does not serve the model, and name the one that does", () => {
    const models = [{ id: "stability.stable-image-core-v1:1", region: "eu-west-1", concurrency: 8 }];
    expect(problemsOf(devWith({ models }))).toEqual([
      "models.0.region does not serve stability.stable-image-core-v1:1. Use us-west-2, or leave it out",
    ]);
  });

  it.each(["cn-north-1", "us-gov-west-1", "us-isob-east-1"])(
    "refuse %s, a region of another partition",
    (region) => {
      expect(problemsOf(devWith({ region }))).toEqual([
        "region is in China, GovCloud or an isolated partition, which are not supported. Use a region of the partition aws",
      ]);
    },
  );

  it("refuse a first model that takes fewer calls at once than Lambda makes at the least", () => {
    const models = [{ id: "stability.stable-image-core-v1:1", concurrency: 1 }];
    expect(problemsOf(devWith({ models }))).toEqual([
      "models.0.concurrency is below 2, the smallest maximum concurrency of a queue's consumer. Raise it to 2",
    ]);
  });

  const core = "stability.stable-image-core-v1:1";

  it.each([
    [{ id: core }, "has no limit"],
    [{ id: core, concurrency: 8, requestsPerMinute: 60 }, "has two limits"],
  ])("refuse %o, and say which limits there are", (model, what) => {
    expect(problemsOf(devWith({ models: [model] }))).toEqual([
      `models.0 ${what}. Give requestsPerMinute (the account's quota for the model) or concurrency (calls at once), not both`,
    ]);
  });

  it("refuse a limit per minute that keeps fewer calls under way than Lambda makes, with the one that does", () => {
    const models = (requestsPerMinute: number) => ({
      ...{ models: [{ id: core, requestsPerMinute }], monthlyBudgetUsd: 100 },
    });
    expect(problemsOf(devWith(models(11)))).toEqual([
      "models.0.requestsPerMinute keeps fewer than 2 calls of 10 seconds under way, the smallest maximum concurrency of a queue's consumer. Raise it to 12",
    ]);
    expect(problemsOf(devWith(models(12)))).toEqual([]);
  });

  it("refuse a limit below one call", () => {
    expect(problemsOf(devWith({ models: [{ id: core, requestsPerMinute: 0 }] }))).toEqual([
      "models.0.requestsPerMinute must be a whole number of calls a minute from 1 to 6000",
    ]);
  });

  it("refuse a model time-out that leaves no time to store the picture", () => {
    const consumer = { ...dev.consumer, timeoutSeconds: 60, modelTimeoutSeconds: 55 };
    expect(problemsOf(devWith({ consumer }))).toEqual([
      "consumer.modelTimeoutSeconds leaves no time to store the picture. Lower it to 50, or raise consumer.timeoutSeconds",
    ]);
  });

  it("refuse what is no setting", () => {
    expect(problemsOf({ ...dev, visibilityTimeout: 30 })).toEqual([
      "visibilityTimeout is not a setting. Remove it",
    ]);
  });

  it("of an environment without a file name the environments there are", async () => {
    await expect(loadSettings("staging")).rejects.toThrow(
      /no environment "staging": config\/environments\/staging\.ts is missing.*dev, prod/,
    );
  });

  it("never read a file outside of their folder", async () => {
    await expect(loadSettings("../settings")).rejects.toThrow(/no environment/);
  });
});

describe("the repository", () => {
  it.each([{ ownerId: 1 }, { repositoryId: 1 }])("is refused with one id only: %o", (id) => {
    expect(problemsOf({ ...dev, github: { ...dev.github, ...id } })).toEqual([
      "github has one id only. Give both ownerId and repositoryId, or neither",
    ]);
  });

  it.each([0, -1, 1.5, "1", "*"])("is refused with the id %o", (id) => {
    const github = { ...dev.github, ownerId: 1, repositoryId: id };
    expect(problemsOf({ ...dev, github })).toEqual([
      "github.repositoryId is not a GitHub id. Use the whole number that npm run bootstrap prints",
    ]);
  });

  it.each(["*/*", "us/*", "us/ours@1", "us@1/ours", "us", "us/ours/more"])(
    "is refused as %s",
    (repository) => {
      expect(problemsOf({ ...dev, github: { repository } })).toEqual([
        "github.repository is not a repository. Use the form owner/name",
      ]);
    },
  );
});

describe("what is derived", () => {
  const derived = derive(checked(dev));

  it("hides a message for six function time-outs", () => {
    const consumer = { ...dev.consumer, timeoutSeconds: 100 };
    expect(derive(checked(devWith({ consumer }))).visibilityTimeoutSeconds).toBe(600);
  });

  it("lets a lease outlive its owner, and end before the message comes back", () => {
    expect(derived.leaseSeconds).toBeGreaterThan(dev.consumer.timeoutSeconds);
    expect(derived.leaseSeconds).toBeLessThan(derived.visibilityTimeoutSeconds);
  });

  it("runs as many invocations at once as the first model takes calls", () => {
    const [first, ...others] = dev.models;
    if (first === undefined) throw new Error("dev has a model");
    const models = [{ ...first, concurrency: 33 }, ...others];
    expect(derive(checked(devWith({ models }))).maximumConcurrency).toBe(33);
  });

  it("never makes more calls at once than bring a minute's limit, at ten seconds each", () => {
    const models = [{ id: "stability.stable-image-core-v1:1", requestsPerMinute: 125 }];
    expect(derive(checked(devWith({ models }))).maximumConcurrency).toBe(20);
  });
});

describe("a model's lifecycle", () => {
  const ending = [{ ...stableImageCore, id: "acme.paint", endOfLife: "2027-06-30" }] as const;

  it.each([
    ["2027-03-31", "active"],
    ["2027-04-01", "ending"],
    ["2027-06-29", "ending"],
    ["2027-06-30", "retired"],
  ])("on %s is %s when it ends on 2027-06-30", (today, state) => {
    expect(lifecycleOf("acme.paint", new Date(today), ending).state).toBe(state);
  });

  it("brings no warning while all models are active", () => {
    expect(modelWarnings(checked(dev), new Date())).toEqual([]);
  });
});
