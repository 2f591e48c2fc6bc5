import { describe, expect, it } from "vitest";
import {
  type AlarmRule,
  type AlarmState,
  evaluationRange,
  nextState,
} from "../local/cloudwatch/alarm-state.ts";

/** `0` is within the threshold, `X` past it, `-` missing; the oldest first. */
function stateAfter(points: string, rule: Partial<AlarmRule>, current: AlarmState = "OK"): AlarmState {
  const values = points.split(" ").map((point) => (point === "-" ? undefined : point === "X" ? 2 : 0));
  return nextState(
    {
      comparison: "GreaterThanThreshold",
      threshold: 1,
      datapointsToAlarm: 3,
      evaluationPeriods: 3,
      missingData: "missing",
      ...rule,
    },
    values,
    current,
  );
}

const TREATMENTS = ["missing", "ignore", "breaching", "notBreaching"] as const;

// Every row of the tables in CloudWatch's own documentation, with what it says for each way to treat missing data:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
const documented = [
  ["3 of 3", "0 - X - X", ["OK", "OK", "OK", "OK"]],
  ["3 of 3", "0 - - - -", ["OK", "OK", "OK", "OK"]],
  ["3 of 3", "- - - - -", ["INSUFFICIENT_DATA", "retained", "ALARM", "OK"]],
  ["3 of 3", "0 X X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]],
  ["3 of 3", "- - X - -", ["ALARM", "retained", "ALARM", "OK"]],
  ["2 of 3", "0 - X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]],
  ["2 of 3", "0 0 X 0 X", ["ALARM", "ALARM", "ALARM", "ALARM"]],
  ["2 of 3", "0 - X - -", ["OK", "OK", "ALARM", "OK"]],
  ["2 of 3", "- - - - 0", ["OK", "OK", "ALARM", "OK"]],
  ["2 of 3", "- - - X -", ["ALARM", "retained", "ALARM", "OK"]],
  // Three more that an earlier edition had; the text below today's tables still agrees with them.
  // https://github.com/awsdocs/amazon-cloudwatch-user-guide/blob/05fd32f63861ca6646c8aa5c94334fd6e0dfdbf5/doc_source/AlarmThatSendsEmail.md
  ["3 of 3", "- - - - X", ["INSUFFICIENT_DATA", "retained", "ALARM", "OK"]],
  ["3 of 3", "X - - - -", ["ALARM", "retained", "ALARM", "OK"]],
  ["2 of 3", "- - - - X", ["INSUFFICIENT_DATA", "retained", "ALARM", "OK"]],
] as const;

const cases = documented.flatMap(([mOfN, points, states]) =>
  TREATMENTS.map((missingData, index) => ({ mOfN, points, missingData, state: states[index] })),
);

describe("an alarm's state, as CloudWatch documents it", () => {
  it.each(cases)(
    "$mOfN, $points, missing data $missingData: $state",
    ({ mOfN, points, missingData, state }) => {
      const rule = { datapointsToAlarm: Number(mOfN[0]), missingData };
      const before = ["OK", "ALARM", "INSUFFICIENT_DATA"] as const;
      expect(before.map((current) => stateAfter(points, rule, current))).toEqual(
        before.map((current) => (state === "retained" ? current : state)),
      );
    },
  );

  it("follows its three last points once the threshold is passed in the third of them, until one is below", () => {
    // The figure in https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    const points = "0 0 X X X 0 0 0 X 0".split(" ");
    const states = points.map((_, end) => stateAfter(points.slice(0, end + 1).join(" "), {}));
    expect(states.indexOf("ALARM")).toBe(4);
    expect(states.filter((state) => state === "ALARM")).toHaveLength(1);
  });

  it("waits while the only point past the threshold is younger than M periods, as the page's text says", () => {
    const states = ["- - - - X", "- - - X -", "- - X - -"].map((points) => stateAfter(points, {}));
    expect(states).toEqual(["INSUFFICIENT_DATA", "INSUFFICIENT_DATA", "ALARM"]);
  });

  it("comes from two more points than the alarm evaluates", () => {
    expect(
      evaluationRange({
        comparison: "GreaterThanThreshold",
        threshold: 1,
        datapointsToAlarm: 2,
        evaluationPeriods: 3,
        missingData: "missing",
      }),
    ).toBe(5);
  });

  it.each([
    ["GreaterThanThreshold", [false, false, true]],
    ["GreaterThanOrEqualToThreshold", [false, true, true]],
    ["LessThanThreshold", [true, false, false]],
    ["LessThanOrEqualToThreshold", [true, true, false]],
  ] as const)("%s compares as its name says", (comparison, expected) => {
    const rule = {
      comparison,
      threshold: 1,
      datapointsToAlarm: 1,
      evaluationPeriods: 1,
      missingData: "missing",
    } as const;
    expect([0, 1, 2].map((value) => nextState(rule, [value], "OK") === "ALARM")).toEqual(expected);
  });
});
