import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type Bounds,
  type Delivery,
  events,
  explore,
  initialState,
  isFinal,
  isLeased,
  type State,
  type Transition,
} from "./support/ledger-model.ts";
import { SteppedLedger } from "./support/stepped-ledger.ts";

const ALL_BOUNDS: readonly Bounds[] = [
  { deliveries: 3, crashes: 2, failures: 2, withdrawals: [], hasDeadline: false },
  { deliveries: 2, crashes: 2, failures: 1, withdrawals: ["cancel"], hasDeadline: false },
  { deliveries: 2, crashes: 2, failures: 1, withdrawals: ["delete"], hasDeadline: false },
  { deliveries: 2, crashes: 1, failures: 1, withdrawals: ["cancel", "delete"], hasDeadline: true },
];
const ALL = ALL_BOUNDS.map((bounds) => [JSON.stringify(bounds), bounds] as const);

describe.each(ALL)("every state that can be reached within the bounds %s", (_, bounds) => {
  const transitions = [...explore(initialState(bounds))];
  const states = transitions.map(({ to }) => to);

  it("has at most one delivery that may pay or store", () => {
    const owners = ({ deliveries }: State) =>
      deliveries.filter(({ at }) => at === "pay" || at === "store image");
    expect(states.filter((state) => owners(state).length > 1)).toEqual([]);
  });

  it("has one paid picture, and one more for each crash between paying and storing", () => {
    expect(states.filter(({ paid, lostToCrashes }) => paid > 1 + lostToCrashes)).toEqual([]);
  });

  it("has a picture wherever the record says so", () => {
    expect(states.filter(({ shared }) => shared.record === "succeeded" && !shared.image)).toEqual([]);
  });

  it("lets every message be deleted only when the request is finished, and leads on until then", () => {
    const isDone = ({ at }: Delivery) => at === "done";
    const isDoneMessage = ({ role, at }: Delivery) => role === "message" && at === "done";
    const wrong = states.filter(
      (state) =>
        (state.deliveries.some(isDoneMessage) && !isFinal(state.shared)) ||
        (!state.deliveries.every(isDone) && events(state).length === 0),
    );
    expect(wrong).toEqual([]);
  });

  it("never takes a request over whose picture was there when its record was read", () => {
    const unseen = transitions.filter(
      ({ from, event, to }) =>
        event.kind === "step" &&
        from.shared.image &&
        from.deliveries[event.delivery]?.at === "read record" &&
        to.deliveries[event.delivery]?.at === "take over",
    );
    expect(unseen).toEqual([]);
  });

  it("never leaves a final record again, but to delete it", () => {
    const left = transitions.filter(
      ({ from, to }) =>
        isFinal(from.shared) && from.shared.record !== to.shared.record && to.shared.record !== "deleted",
    );
    expect(left).toEqual([]);
  });

  it("pays and stores nothing once the request is cancelled, expired or deleted", () => {
    const after = transitions.filter(
      ({ from, to }) =>
        ["cancelled", "expired", "deleted"].includes(from.shared.record) &&
        (to.paid > from.paid || (to.shared.image && !from.shared.image)),
    );
    expect(after).toEqual([]);
  });

  it("has no picture of a cancelled request, nor of one whose deletion was confirmed", () => {
    const isErased = ({ deliveries }: State) =>
      deliveries.some(({ role, at }) => role === "delete" && at === "done");
    const seen = states.filter(
      (state) => state.shared.image && (state.shared.record === "cancelled" || isErased(state)),
    );
    expect(seen).toEqual([]);
  });

  it.skipIf(bounds.hasDeadline)(
    "includes those with a crash in the window each, so that the bound is tight",
    () => {
      expect(new Set(states.map(({ paid }) => paid))).toContain(1 + bounds.crashes);
    },
  );
});

const CHANGE = "put requests/one.json over the version seen";
/** What the code does to the bucket at each step of the model. */
const OPERATIONS: Readonly<Record<Delivery["at"], string | RegExp>> = {
  "create record": "put requests/one.json where there is none",
  "read record": "get requests/one.json",
  "find image": "head images/one.png",
  adopt: CHANGE,
  "check adopt": "get requests/one.json",
  "take over": CHANGE,
  pay: "pay",
  "store image": "put images/one.png where there is none",
  "find stored image": "head images/one.png",
  close: CHANGE,
  "give back": CHANGE,
  release: CHANGE,
  fail: CHANGE,
  reject: CHANGE,
  "check close": "get requests/one.json",
  "create expired": "put requests/one.json where there is none",
  expire: CHANGE,
  "close as expired": CHANGE,
  "read to cancel": "get requests/one.json",
  "create cancelled": "put requests/one.json where there is none",
  "find image to cancel": "head images/one.png",
  "write cancelled": CHANGE,
  "read to delete": "get requests/one.json",
  "create mark": "put requests/one.json where there is none",
  "write mark": CHANGE,
  "erase record": "list requests/one.json",
  "erase image": "list images/one.png",
  waiting: /^(leased|LeaseLostError|released|failed|painting)$/,
  done: /^(succeeded|adopted|closed|rejected|expired|withdrawn|finished)$/,
};

describe("the code's ledger", () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterAll(() => void vi.useRealTimers());

  it.each(ALL)(
    "takes every step of the model within %s, and no other",
    { timeout: 120_000 },
    async (_, bounds) => {
      // The deliveries know of each other through the bucket only: a step is the same whatever the others are at.
      // The last of a key is kept, so that it is the one with the shortest way there.
      const transitions = [...explore(initialState(bounds))].toReversed();
      const distinct = new Map(transitions.map((each) => [signature(each), each] as const));
      expect(distinct.size).toBeGreaterThan(50);
      for (const { path, event, to } of distinct.values()) {
        const ledger = new SteppedLedger(bounds);
        for (const earlier of path) await ledger.happen(earlier);
        await ledger.happen(event);
        const told = JSON.stringify([...path, event]);
        expect(ledger.shared(), told).toEqual({
          record: to.shared.record,
          image: to.shared.image,
          attempts: to.shared.attempts,
          isLeased: isLeased(to.shared),
        });
        expect(ledger.paid, told).toBe(to.paid);
        for (const [delivery, { at }] of to.deliveries.entries()) {
          expect(ledger.operationOf(delivery), told).toMatch(OPERATIONS[at]);
        }
      }
    },
  );
});

function signature({ from, event }: Transition): string {
  const { lease, version, ...shared } = from.shared;
  const acting = "delivery" in event ? from.deliveries[event.delivery] : undefined;
  return JSON.stringify([
    event.kind,
    "ending" in event && event.ending,
    acting?.role,
    acting?.at,
    acting?.seen === version,
    typeof lease === "number" ? "delivery" in event && lease === event.delivery : lease,
    { ...shared, attempts: shared.attempts > 0 },
  ]);
}
