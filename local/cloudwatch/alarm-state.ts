import type { Series } from "./metric-store.ts";

export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** How the data of an alarm become its state. */
export interface AlarmRule {
  readonly comparison:
    | "GreaterThanThreshold"
    | "GreaterThanOrEqualToThreshold"
    | "LessThanThreshold"
    | "LessThanOrEqualToThreshold";
  readonly threshold: number;
  /** M of N: periods that must be past the threshold… */
  readonly datapointsToAlarm: number;
  /** …of so many. */
  readonly evaluationPeriods: number;
  readonly missingData: "missing" | "ignore" | "breaching" | "notBreaching";
}

/**
 * How many periods CloudWatch looks at: some more than it evaluates, to have real data where a few points are missing.
 * How many more it does not say; these are what it takes in its examples.
 */
export function evaluationRange({ evaluationPeriods }: AlarmRule): number {
  return evaluationPeriods + 2;
}

/**
 * The state that follows from the data in the evaluation range.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function nextState(rule: AlarmRule, range: Series, current: AlarmState): AlarmState {
  const { datapointsToAlarm, evaluationPeriods, missingData } = rule;
  // Real data first, however old: what is missing is made up for only as often as there is no other way.
  const real = range.filter((value) => value !== undefined).slice(-evaluationPeriods);
  const breaching = real.filter((value) => isBreaching(rule, value)).length;
  const missing = evaluationPeriods - real.length;
  if (breaching >= datapointsToAlarm) return "ALARM";
  if (missing === 0 || missingData === "notBreaching") return "OK";
  if (missingData === "breaching") return breaching + missing >= datapointsToAlarm ? "ALARM" : "OK";
  if (breaching < real.length) return "OK";
  if (missingData === "ignore") return current;
  // Nothing but breaching data, too few of them: they count as soon as the first is old enough that, had the others
  // come, there would be M of them.
  const age = range.length - range.findIndex((value) => value !== undefined);
  return real.length > 0 && age >= datapointsToAlarm ? "ALARM" : "INSUFFICIENT_DATA";
}

function isBreaching({ comparison, threshold }: AlarmRule, value: number): boolean {
  switch (comparison) {
    case "GreaterThanThreshold":
      return value > threshold;
    case "GreaterThanOrEqualToThreshold":
      return value >= threshold;
    case "LessThanThreshold":
      return value < threshold;
    case "LessThanOrEqualToThreshold":
      return value <= threshold;
  }
}
