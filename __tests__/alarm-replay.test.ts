import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { settings as prod } from "../config/environments/prod.ts";
import { readAlarms } from "../local/cloudwatch/alarm-specs.ts";
import { Evaluator, type Transition } from "../local/cloudwatch/evaluator.ts";
import { type MetricId, MetricStore } from "../local/cloudwatch/metric-store.ts";
import { Terraform } from "../local/stack/terraform.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const FOLDER = new URL("fixtures/incidents/", import.meta.url);
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** What takes many days goes by in steps of so many minutes: CloudWatch looks more often, and its breaker acts sooner. */
const STEP_MINUTES = 5;

const incidentSchema = z.strictObject({
  description: z.string(),
  minutes: z.int().positive(),
  /**
   * By `namespace name dimension=value…`: runs of minutes with one value, or with the first and the last of values that
   * rise or fall evenly; null where there is no data.
   */
  series: z.record(
    z.string(),
    z.array(
      z.union([
        z.tuple([z.int().positive(), z.number().nullable()]),
        z.tuple([z.int().positive(), z.number(), z.number()]),
      ]),
    ),
  ),
  /** Every alarm that fires or stops, by minute, and whom it tells. All others stay quiet. */
  expect: z.array(z.tuple([z.int(), z.enum(["ALARM", "OK"]), z.string(), z.enum(["page", "ticket"])])),
});

const specs = readAlarms(
  await Terraform.read({
    directory: synthesise(settingsWith(prod)).folder,
    endpoint: "http://127.0.0.1",
  }),
);

function metricOf(key: string): MetricId {
  const [namespace = "", name = "", ...dimensions] = key.split(" ");
  return { namespace, name, dimensions: Object.fromEntries(dimensions.map((part) => part.split("="))) };
}

/** The severities of the topics that are told. */
function toldBy({ alarm, to }: Transition): string {
  return alarm.actions[to].flatMap((arn) => /:image-alarms-([a-z]+)-prod$/.exec(arn)?.[1] ?? []).join();
}

function replay(incident: z.output<typeof incidentSchema>): [number, string, string, string][] {
  const store = new MetricStore();
  for (const [key, runs] of Object.entries(incident.series)) {
    const values = runs.flatMap(([minutes, first, last = first]) =>
      Array.from({ length: minutes }, (_, minute) =>
        first === null || last === null ? null : first + ((last - first) * minute) / Math.max(1, minutes - 1),
      ),
    );
    values.forEach((value, minute) => {
      if (value !== null) store.record(metricOf(key), value, minute * MINUTE_MS);
    });
  }
  const evaluator = new Evaluator(specs, store);
  const step = incident.minutes > 2 * DAY_MINUTES ? STEP_MINUTES : 1;
  return Array.from({ length: incident.minutes / step }, (_, index) => (index + 1) * step).flatMap((minute) =>
    evaluator
      .evaluate(minute * MINUTE_MS)
      .filter(({ from, to }) => from === "ALARM" || to === "ALARM")
      .map((transition): [number, string, string, string] => [
        minute,
        transition.to,
        transition.alarm.name.replace("image-generation-prod-", ""),
        toldBy(transition),
      ]),
  );
}

describe("incidents, replayed through the synthesised alarms of prod", () => {
  it.each(readdirSync(FOLDER))("%s", (file) => {
    const incident = incidentSchema.parse(JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")));
    expect(replay(incident)).toEqual(incident.expect);
  });
});

const MONTH_MINUTES = 31 * DAY_MINUTES;
const BUDGET_USD = prod.monthlyBudgetUsd;

/** What models cost in 31 days if they cost so much each minute, unless the breaker has stopped the consumer. */
function monthsCost(usdPerMinute: number): number {
  const cost = { namespace: "CouchExplorers", name: "EstimatedCostUsd", dimensions: { Environment: "prod" } };
  const stopping = specs.filter(({ actions }) => actions.ALARM.some((arn) => arn.includes("spend-breaker")));
  const store = new MetricStore();
  const evaluator = new Evaluator(stopping, store);
  let total = 0;
  for (let minute = 0; minute < MONTH_MINUTES; minute += STEP_MINUTES) {
    // Whoever is on call resumes at once.
    if (stopping.every(({ name }) => evaluator.state(name) !== "ALARM")) {
      const usd = usdPerMinute * STEP_MINUTES;
      store.record(cost, usd, minute * MINUTE_MS);
      total += usd;
    }
    evaluator.evaluate((minute + STEP_MINUTES) * MINUTE_MS);
  }
  return total;
}

describe("a month of spending as fast as the breaker allows", () => {
  it.each([0.1, 1.65, 10])("costs at most 106 % of the budget at %d US dollars a minute", (usd) => {
    expect(monthsCost(usd)).toBeLessThan(1.06 * BUDGET_USD);
  });

  it("is not stopped while it is steady and below 85 % of the budget", () => {
    const steady = 0.85 * BUDGET_USD;
    expect(monthsCost(steady / MONTH_MINUTES)).toBeCloseTo(steady, 5);
  });
});
