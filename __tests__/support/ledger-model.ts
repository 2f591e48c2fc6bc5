/**
 * The claim / lease / adopt / close protocol as a state machine: three deliveries of one request, each of which takes
 * one step at a time, may crash before any of them, and is then delivered again.
 */

/** What a delivery does next. Each is one operation on the bucket, but for the call of the model. */
export type Step =
  | "create record"
  | "read record"
  | "find image"
  | "adopt"
  | "check adopt"
  | "take over"
  | "pay"
  | "store image"
  | "find stored image"
  | "close"
  | "check close";

export interface Delivery {
  /** `done`: the message is deleted. `waiting`: it comes back once the lease has ended or was given up. */
  readonly at: Step | "done" | "waiting";
  /** The version of the record that it has seen last. */
  readonly seen: number;
}

export interface Shared {
  readonly record: "none" | "generating" | "succeeded";
  /** Counts the changes of the record: its ETag. */
  readonly version: number;
  /** The delivery that holds the lease; `ended` once it has run out. */
  readonly lease: number | "ended";
  readonly image: boolean;
}

export interface State {
  readonly deliveries: readonly Delivery[];
  readonly shared: Shared;
  readonly paid: number;
  /** Crashes between paying and storing: the named window. */
  readonly lostToCrashes: number;
  readonly crashesLeft: number;
}

export type Event =
  | { readonly kind: "step"; readonly delivery: number }
  | { readonly kind: "crash"; readonly delivery: number }
  | { readonly kind: "lease ends" };

const FIRST: Delivery = { at: "create record", seen: 0 };

export function initialState(deliveries: number, crashes: number): State {
  return {
    deliveries: Array.from({ length: deliveries }, () => FIRST),
    shared: { record: "none", version: 0, lease: "ended", image: false },
    paid: 0,
    lostToCrashes: 0,
    crashesLeft: crashes,
  };
}

/** Everything that can happen next. */
export function events(state: State): Event[] {
  const { deliveries, shared, crashesLeft } = state;
  const all: Event[] = [];
  for (const [delivery, { at }] of deliveries.entries()) {
    if (at === "done") continue;
    const isWaiting = at === "waiting";
    if (!isWaiting || shared.record === "succeeded" || shared.lease === "ended") {
      all.push({ kind: "step", delivery });
    }
    if (!isWaiting && at !== "create record" && crashesLeft > 0) all.push({ kind: "crash", delivery });
  }
  // A lease is longer than its owner can live, so it ends only once the owner is at nothing any more.
  const owner = shared.lease === "ended" ? undefined : deliveries[shared.lease];
  if (shared.record === "generating" && owner !== undefined && !isOwnersStep(owner.at)) {
    all.push({ kind: "lease ends" });
  }
  return all;
}

function isOwnersStep(at: Delivery["at"]): boolean {
  return ["pay", "store image", "find stored image", "close", "check close"].includes(at);
}

export function next(state: State, event: Event): State {
  switch (event.kind) {
    case "lease ends":
      return { ...state, shared: { ...state.shared, lease: "ended" } };
    case "crash": {
      const isLoss = state.deliveries[event.delivery]?.at === "store image";
      return {
        ...moved(state, event.delivery, FIRST),
        crashesLeft: state.crashesLeft - 1,
        lostToCrashes: state.lostToCrashes + (isLoss ? 1 : 0),
      };
    }
    case "step":
      return step(state, event.delivery);
  }
}

function moved(state: State, delivery: number, to: Delivery, shared: Partial<Shared> = {}): State {
  return {
    ...state,
    deliveries: state.deliveries.with(delivery, to),
    shared: { ...state.shared, ...shared },
  };
}

function step(state: State, delivery: number): State {
  const { at, seen } = state.deliveries[delivery] ?? FIRST;
  const { record, version, lease, image } = state.shared;
  const go = (to: Delivery["at"], shared: Partial<Shared> = {}, saw = seen) =>
    moved(state, delivery, { at: to, seen: saw }, shared);
  const claim = { record: "generating", version: version + 1, lease: delivery } as const;
  switch (at) {
    case "create record":
      return record === "none" ? go("pay", claim, version + 1) : go("read record");
    case "read record":
      if (record === "succeeded") return go("done");
      return lease === "ended" ? go("find image", {}, version) : go("waiting");
    case "find image":
      return go(image ? "adopt" : "take over");
    case "adopt":
      return version === seen
        ? go("done", { record: "succeeded", version: version + 1, lease: "ended" })
        : go("check adopt");
    case "check adopt":
      return go("take over");
    case "take over":
      return version === seen ? go("pay", claim, version + 1) : go("read record");
    case "pay":
      return { ...go("store image"), paid: state.paid + 1 };
    case "store image":
      return image ? go("find stored image") : go("close", { image: true });
    case "find stored image":
      return go("close");
    case "close":
      return version === seen
        ? go("done", { record: "succeeded", version: version + 1, lease: "ended" })
        : go("check close");
    // The lease was lost: the message is left in the queue.
    case "check close":
      return go("waiting");
    case "waiting":
      return go("create record", {}, 0);
    case "done":
      return state;
  }
}

/** A transition of the state machine, with the way there from the start. */
export interface Transition {
  readonly path: readonly Event[];
  readonly from: State;
  readonly event: Event;
  readonly to: State;
}

/** Visits every state that can be reached, and yields every transition between them. */
export function* explore(start: State): Generator<Transition> {
  const known = new Set([JSON.stringify(start)]);
  const open: { state: State; path: readonly Event[] }[] = [{ state: start, path: [] }];
  for (const { state, path } of open) {
    for (const event of events(state)) {
      const to = next(state, event);
      yield { path, from: state, event, to };
      const key = JSON.stringify(to);
      if (known.has(key)) continue;
      known.add(key);
      open.push({ state: to, path: [...path, event] });
    }
  }
}
