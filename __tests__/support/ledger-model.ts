/**
 * The claim / lease / adopt / close protocol as a state machine: deliveries of one request, each of which takes one step
 * at a time, may crash before any of them, and is then delivered again. A call of the model may bring no picture, and a
 * picture may land after its owner died.
 */

/** What becomes of a request whose call of the model brought no picture. */
export type Ending =
  /** Nothing was really tried. */
  | "give back"
  /** A try failed. */
  | "release"
  /** The last try failed. */
  | "fail"
  /** The request can never be painted. */
  | "reject";

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
  | Ending
  | "check close";

export interface Delivery {
  /** `done`: the message is deleted. `waiting`: it comes back, once a lease has ended or was given up, or redriven. */
  readonly at: Step | "done" | "waiting";
  /** The version of the record that it has seen last. */
  readonly seen: number;
}

export interface Shared {
  readonly record: "none" | "generating" | "succeeded" | "rejected" | "failed";
  /** Counts the changes of the record: its ETag. */
  readonly version: number;
  /** The delivery that holds the lease; `ended` once it has run out, `none` once it was given up. */
  readonly lease: number | "ended" | "none";
  /** How many tries are on record. */
  readonly attempts: number;
  readonly image: boolean;
  /** Whether a picture whose owner crashed while storing it may still land. */
  readonly imageUnderWay: boolean;
}

export interface State {
  readonly deliveries: readonly Delivery[];
  readonly shared: Shared;
  readonly paid: number;
  /** Crashes between paying and storing: the named window. */
  readonly lostToCrashes: number;
  readonly crashesLeft: number;
  /** How many more calls of the model may bring no picture. */
  readonly failuresLeft: number;
}

export type Event =
  | { readonly kind: "step"; readonly delivery: number }
  /** Instead of a picture. */
  | { readonly kind: "unpainted"; readonly delivery: number; readonly ending: Ending }
  | { readonly kind: "crash"; readonly delivery: number }
  | { readonly kind: "lease ends" }
  | { readonly kind: "image lands" };

const FIRST: Delivery = { at: "create record", seen: 0 };
const ENDINGS = ["give back", "release", "fail", "reject"] as const satisfies readonly Ending[];
const OWNERS_STEPS = ["pay", "store image", "find stored image", "close", ...ENDINGS, "check close"];

/** How much may happen. */
export interface Bounds {
  readonly deliveries: number;
  readonly crashes: number;
  /** How many calls of the model may bring no picture. */
  readonly failures: number;
}

export function initialState({ deliveries, crashes, failures }: Bounds): State {
  return {
    deliveries: Array.from({ length: deliveries }, () => FIRST),
    shared: { record: "none", version: 0, lease: "none", attempts: 0, image: false, imageUnderWay: false },
    paid: 0,
    lostToCrashes: 0,
    crashesLeft: crashes,
    failuresLeft: failures,
  };
}

/** Whether a delivery that meets the record has nothing left to do. */
export function isFinal({ record }: Shared): boolean {
  return record === "succeeded" || record === "rejected";
}

export function isLeased({ lease }: Shared): boolean {
  return typeof lease === "number";
}

/** Everything that can happen next. */
export function events({ deliveries, shared, crashesLeft, failuresLeft }: State): Event[] {
  const all: Event[] = [];
  for (const [delivery, { at }] of deliveries.entries()) {
    if (at === "done") continue;
    const isWaiting = at === "waiting";
    if (!isWaiting || !isLeased(shared)) all.push({ kind: "step", delivery });
    if (at === "pay" && failuresLeft > 0) {
      all.push(...ENDINGS.map((ending) => ({ kind: "unpainted", delivery, ending }) as const));
    }
    if (!isWaiting && at !== "create record" && crashesLeft > 0) all.push({ kind: "crash", delivery });
  }
  // A lease is longer than its owner can live, so it ends only once the owner is at nothing any more.
  const owner = typeof shared.lease === "number" ? deliveries[shared.lease] : undefined;
  if (owner !== undefined && !OWNERS_STEPS.includes(owner.at)) all.push({ kind: "lease ends" });
  if (shared.imageUnderWay && !shared.image) all.push({ kind: "image lands" });
  return all;
}

export function next(state: State, event: Event): State {
  const { shared, deliveries } = state;
  switch (event.kind) {
    case "lease ends":
      return { ...state, shared: { ...shared, lease: "ended" } };
    case "image lands":
      return { ...state, shared: { ...shared, image: true, imageUnderWay: false } };
    case "crash": {
      const isLoss = deliveries[event.delivery]?.at === "store image";
      return {
        ...moved(state, event.delivery, FIRST, { imageUnderWay: shared.imageUnderWay || isLoss }),
        crashesLeft: state.crashesLeft - 1,
        lostToCrashes: state.lostToCrashes + (isLoss ? 1 : 0),
      };
    }
    case "unpainted": {
      const seen = deliveries[event.delivery]?.seen ?? 0;
      return {
        ...moved(state, event.delivery, { at: event.ending, seen }),
        failuresLeft: state.failuresLeft - 1,
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
  const { shared } = state;
  const { record, version, lease, attempts, image } = shared;
  const go = (to: Delivery["at"], change: Partial<Shared> = {}, saw = seen) =>
    moved(state, delivery, { at: to, seen: saw }, change);
  const claim = {
    record: "generating",
    version: version + 1,
    lease: delivery,
    attempts: attempts + 1,
  } as const;
  /** Changes the record, unless it has changed since it was seen. */
  const write = (to: Delivery["at"], change: Partial<Shared>, conflict: Step = "check close") =>
    version === seen ? go(to, { version: version + 1, lease: "none", ...change }) : go(conflict);
  switch (at) {
    case "create record":
      return record === "none" ? go("pay", claim, version + 1) : go("read record");
    case "read record": {
      if (isFinal(shared)) return go("done");
      if (isLeased(shared)) return go("waiting");
      // Where nothing was ever tried, there can be no picture.
      return go(lease === "ended" || attempts > 0 ? "find image" : "take over", {}, version);
    }
    case "find image":
      return go(image ? "adopt" : "take over");
    case "adopt":
      return write("done", { record: "succeeded" }, "check adopt");
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
      return write("done", { record: "succeeded" });
    case "give back":
      return write("waiting", { attempts: attempts - 1 });
    case "release":
      return write("waiting", {});
    case "fail":
      return write("waiting", { record: "failed" });
    case "reject":
      return write("done", { record: "rejected" });
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

/**
 * The same for states that differ only in which delivery is at what, and in how often the record was changed: of the
 * version that a delivery has seen, it only counts whether it is still the record's.
 */
function keyOf({ deliveries, shared: { version, lease, ...shared }, ...rest }: State): string {
  const each = deliveries.map(({ at, seen }, delivery) => [at, seen === version, lease === delivery].join());
  return JSON.stringify([each.toSorted(), typeof lease === "number" || lease, shared, rest]);
}

/** Visits every state that can be reached, and yields every transition between them. */
export function* explore(start: State): Generator<Transition> {
  const known = new Set([keyOf(start)]);
  const open: { state: State; path: readonly Event[] }[] = [{ state: start, path: [] }];
  for (const { state, path } of open) {
    for (const event of events(state)) {
      const to = next(state, event);
      yield { path, from: state, event, to };
      const key = keyOf(to);
      if (known.has(key)) continue;
      known.add(key);
      open.push({ state: to, path: [...path, event] });
    }
  }
}
