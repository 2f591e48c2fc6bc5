import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { settings as prod } from "../config/environments/prod.ts";
import { readAlarms } from "../local/cloudwatch/alarm-specs.ts";
import { Evaluator } from "../local/cloudwatch/evaluator.ts";
import { MetricStore } from "../local/cloudwatch/metric-store.ts";
import type { MetricId } from "../local/cloudwatch/series.ts";
import { Terraform } from "../local/stack/terraform.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const FOLDER = new URL("fixtures/incidents/", import.meta.url);
const MINUTE_MS = 60_000;

const incidentSchema = z.strictObject({
  description: z.string(),
  minutes: z.int().positive(),
  /** By `namespace name dimension=value…`: runs of minutes with one value; null where there is no data. */
  series: z.record(z.string(), z.array(z.tuple([z.int().positive(), z.number().nullable()]))),
  /** Every alarm that fires or stops, by minute. All others stay quiet. */
  expect: z.array(z.tuple([z.int(), z.enum(["ALARM", "OK"]), z.string()])),
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

function replay(incident: z.output<typeof incidentSchema>): [number, string, string][] {
  const store = new MetricStore();
  for (const [key, runs] of Object.entries(incident.series)) {
    const values = runs.flatMap(([minutes, value]) => Array.from({ length: minutes }, () => value));
    values.forEach((value, minute) => {
      if (value !== null) store.record(metricOf(key), value, minute * MINUTE_MS);
    });
  }
  const evaluator = new Evaluator(specs, store);
  return Array.from({ length: incident.minutes }, (_, index) => index + 1).flatMap((minute) =>
    evaluator
      .evaluate(minute * MINUTE_MS)
      .filter(({ from, to }) => from === "ALARM" || to === "ALARM")
      .map(({ alarm, to }): [number, string, string] => [
        minute,
        to,
        alarm.name.replace("image-generation-prod-", ""),
      ]),
  );
}

describe("incidents, replayed through the synthesised alarms of prod", () => {
  it.each(readdirSync(FOLDER))("%s", (file) => {
    const incident = incidentSchema.parse(JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")));
    expect(replay(incident)).toEqual(incident.expect);
  });
});
