import { describe, expect, it } from "vitest";
import { decideRedelivery } from "../functions/consumer/redelivery.ts";

const limits = { receiveLimit: 10, giveUpAfterMs: 1000 };
const YOUNG = 1000;
const OLD = 1001;

describe("what becomes of a message", () => {
  it.each([
    ["done", 1, YOUNG, { kind: "delete" }],
    ["rejected", 10, OLD, { kind: "delete" }],
    ["postponed", 8, YOUNG, { kind: "wait" }],
    ["postponed", 9, YOUNG, { kind: "re-send" }],
    ["postponed", 10, YOUNG, { kind: "re-send" }],
    ["postponed", 9, OLD, { kind: "wait" }],
    ["postponed", 10, OLD, { kind: "give up" }],
    ["failed", 9, OLD, { kind: "wait" }],
    ["failed", 10, YOUNG, { kind: "give up" }],
    ["broken", 9, OLD, { kind: "wait" }],
    ["broken", 10, YOUNG, { kind: "give up" }],
  ] as const)("that is %s on receive %i, %i ms old", (kind, receives, ageMs, redelivery) => {
    expect(decideRedelivery({ kind }, { receives, ageMs }, limits)).toMatchObject(redelivery);
  });

  const secondsAfter = (receives: number, draw: number, kind: "failed" | "broken" = "failed") => {
    const decided = decideRedelivery(
      { kind },
      { receives, ageMs: 0 },
      { ...limits, receiveLimit: 99 },
      () => draw,
    );
    return "seconds" in decided ? decided.seconds : undefined;
  };

  it("waits exponentially longer, from 5 to 300 seconds, with 50 % jitter", () => {
    expect([1, 2, 3, 6, 7, 8, 98].map((receives) => secondsAfter(receives, 0))).toEqual([
      3, 5, 10, 80, 150, 150, 150,
    ]);
    expect([1, 2, 3, 6, 7, 8, 98].map((receives) => secondsAfter(receives, 1))).toEqual([
      5, 10, 20, 160, 300, 300, 300,
    ]);
  });

  it("waits for a minute at the most where somebody has to change something", () => {
    expect(secondsAfter(98, 1, "broken")).toBe(60);
  });

  it("waits as long as it is known to take", () => {
    const outcome = { kind: "postponed", waitSeconds: 77 } as const;
    expect(decideRedelivery(outcome, { receives: 1, ageMs: 0 }, limits)).toEqual({
      kind: "wait",
      seconds: 77,
    });
  });
});
