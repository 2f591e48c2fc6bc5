import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type Delivery,
  events,
  explore,
  initialState,
  type State,
  type Transition,
} from "./support/ledger-model.ts";
import { SteppedLedger } from "./support/stepped-ledger.ts";

const DELIVERIES = 3;
const CRASHES = 2;
const transitions = [...explore(initialState(DELIVERIES, CRASHES))];
const states = transitions.map(({ to }) => to);

describe(`every state that ${DELIVERIES} concurrent deliveries with ${CRASHES} crashes can reach`, () => {
  it("has at most one delivery that may pay or store", () => {
    const owners = ({ deliveries }: State) =>
      deliveries.filter(({ at }) => at === "pay" || at === "store image");
    expect(states.filter((state) => owners(state).length > 1)).toEqual([]);
  });

  it("has one paid call, and one more for each crash between paying and storing", () => {
    expect(states.filter(({ paid, lostToCrashes }) => paid > 1 + lostToCrashes)).toEqual([]);
  });

  it("has a picture wherever the record says so", () => {
    expect(states.filter(({ shared }) => shared.record === "succeeded" && !shared.image)).toEqual([]);
  });

  it("lets every message be deleted only when the picture is there, and leads on until then", () => {
    const isDone = ({ at }: Delivery) => at === "done";
    const wrong = states.filter(
      (state) =>
        (state.deliveries.some(isDone) && state.shared.record !== "succeeded") ||
        (!state.deliveries.every(isDone) && events(state).length === 0),
    );
    expect(wrong).toEqual([]);
  });

  it("includes those with one and with two crashes in the window, so that the bound is tight", () => {
    expect(Math.max(...states.map(({ paid }) => paid))).toBe(1 + CRASHES);
  });
});

/** What the code does to the bucket at each step of the model. */
const OPERATIONS: Readonly<Record<Delivery["at"], string | RegExp>> = {
  "create record": "put requests/one.json where there is none",
  "read record": "get requests/one.json",
  "find image": "head images/one.png",
  adopt: "put requests/one.json over the version seen",
  "check adopt": "get requests/one.json",
  "take over": "put requests/one.json over the version seen",
  pay: "pay",
  "store image": "put images/one.png where there is none",
  "find stored image": "head images/one.png",
  close: "put requests/one.json over the version seen",
  "check close": "get requests/one.json",
  waiting: /^(leased|LeaseLostError)$/,
  done: /^(succeeded|adopted|closed)$/,
};

describe("the code's ledger", () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterAll(() => void vi.useRealTimers());

  // The deliveries know of each other through the bucket only: a step is the same whatever the others are at.
  const distinct = new Map(transitions.map((transition) => [signature(transition), transition] as const));

  it("takes every step of the model, and no other", { timeout: 120_000 }, async () => {
    expect(distinct.size).toBeGreaterThan(50);
    for (const { path, event, to } of distinct.values()) {
      const ledger = new SteppedLedger(DELIVERIES);
      for (const earlier of path) await ledger.happen(earlier);
      await ledger.happen(event);
      const told = JSON.stringify([...path, event]);
      expect(ledger.shared(), told).toEqual({
        record: to.shared.record,
        image: to.shared.image,
        isLeased: to.shared.record === "generating" && to.shared.lease !== "ended",
      });
      expect(ledger.paid, told).toBe(to.paid);
      for (const [delivery, { at }] of to.deliveries.entries()) {
        expect(ledger.operationOf(delivery), told).toMatch(OPERATIONS[at]);
      }
    }
  });
});

function signature({ from, event }: Transition): string {
  const { record, lease, image, version } = from.shared;
  const acting = event.kind === "lease ends" ? undefined : from.deliveries[event.delivery];
  const isOwn = event.kind !== "lease ends" && lease === event.delivery;
  return JSON.stringify([
    event.kind,
    ...[acting?.at, acting?.seen === version, record, image, lease === "ended", isOwn],
  ]);
}
