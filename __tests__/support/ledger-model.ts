/**
 * The claim / lease / adopt / close protocol as a state machine: deliveries of one request, each of which takes one step
 * at a time, may crash before any of them, and is then delivered again. A call of the model may bring no picture, and a
 * picture may land after its owner died. Somebody may cancel or delete the request meanwhile, and its deadline may pass.
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
  | "check close"
  | "create expired"
  | "expire"
  | "close as expired"
  | "read to cancel"
  | "create cancelled"
  | "find image to cancel"
  | "write cancelled"
  | "read to delete"
  | "create mark"
  | "write mark"
  | "erase record"
  | "erase image";

/** Who acts: a delivery of the message, or somebody who withdraws the request. */
export type Role = "message" | "cancel" | "delete";

export interface Delivery {
  readonly role: Role;
  /** `done`: the message is deleted. `waiting`: it comes back, once a lease has ended or was given up, or redriven. */
  readonly at: Step | "done" | "waiting";
  /** The version of the record that it has seen last. */
  readonly seen: number;
}

export interface Shared {
  readonly record:
    | "none"
    | "generating"
    | "succeeded"
    | "rejected"
    | "failed"
    | "cancelled"
    | "expired"
    | "deleted";
  /** Counts the changes of the record: its ETag. */
  readonly version: number;
  /** The delivery that holds the lease; `ended` once it has run out, `none` once it was given up. */
  readonly lease: number | "ended" | "none";
  /** How many tries are on record. */
  readonly attempts: number;
  readonly image: boolean;
  /** Whether a picture whose owner crashed while storing it may still land. */
  readonly imageUnderWay: boolean;
  /** Whether the deadline has passed. */
  readonly isLate: boolean;
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
  readonly hasDeadline: boolean;
}

export type Event =
  | { readonly kind: "step"; readonly delivery: number }
  /** Instead of a picture. */
  | { readonly kind: "unpainted"; readonly delivery: number; readonly ending: Ending }
  | { readonly kind: "crash"; readonly delivery: number }
  | { readonly kind: "lease ends" }
  | { readonly kind: "deadline passes" }
  | { readonly kind: "image is lost" }
  | { readonly kind: "image lands" };

/** Where a delivery or a withdrawal begins. */
function first(role: Role, isLate: boolean): Delivery {
  const message = isLate ? "create expired" : "create record";
  const at = ({ message, cancel: "read to cancel", delete: "read to delete" } as const)[role];
  return { role, at, seen: 0 };
}

const ENDINGS = ["give back", "release", "fail", "reject"] as const satisfies readonly Ending[];
const OWNERS_STEPS = [
  ...["pay", "store image", "find stored image", "close", "close as expired", "check close"],
  ...ENDINGS,
];

/** How much may happen. */
export interface Bounds {
  readonly deliveries: number;
  readonly crashes: number;
  /** How many calls of the model may bring no picture. */
  readonly failures: number;
  /** Who withdraws the request. */
  readonly withdrawals: readonly Exclude<Role, "message">[];
  readonly hasDeadline: boolean;
}

export function initialState({ deliveries, crashes, failures, withdrawals, hasDeadline }: Bounds): State {
  const roles = [...Array.from({ length: deliveries }, () => "message" as const), ...withdrawals];
  return {
    deliveries: roles.map((role) => first(role, false)),
    shared: {
      ...{ record: "none", version: 0, lease: "none", attempts: 0 },
      ...{ image: false, imageUnderWay: false, isLate: false },
    },
    paid: 0,
    lostToCrashes: 0,
    crashesLeft: crashes,
    failuresLeft: failures,
    hasDeadline,
  };
}

/** Whether a delivery that meets the record has nothing left to do. */
export function isFinal({ record }: Shared): boolean {
  return record !== "none" && record !== "generating" && record !== "failed";
}

export function isLeased({ lease }: Shared): boolean {
  return typeof lease === "number";
}

/** Everything that can happen next. */
export function events({ deliveries, shared, crashesLeft, failuresLeft, hasDeadline }: State): Event[] {
  const all: Event[] = [];
  for (const [delivery, { role, at }] of deliveries.entries()) {
    if (at === "done") continue;
    const isWaiting = at === "waiting";
    if (!isWaiting || !isLeased(shared)) all.push({ kind: "step", delivery });
    if (at === "pay" && failuresLeft > 0 && !shared.isLate) {
      all.push(...ENDINGS.map((ending) => ({ kind: "unpainted", delivery, ending }) as const));
    }
    if (!isWaiting && at !== first(role, shared.isLate).at && crashesLeft > 0)
      all.push({ kind: "crash", delivery });
  }
  // A lease is longer than its owner can live, so it ends only once the owner is at nothing any more.
  const owner = typeof shared.lease === "number" ? deliveries[shared.lease] : undefined;
  // It ends half a minute later still: by then a picture under way has landed, on which a withdrawal relies.
  const isSettled = !shared.imageUnderWay || deliveries.every(({ role }) => role === "message");
  if (owner !== undefined && !OWNERS_STEPS.includes(owner.at) && isSettled) all.push({ kind: "lease ends" });
  if (shared.imageUnderWay && !shared.image) all.push({ kind: "image lands" });
  if (shared.imageUnderWay) all.push({ kind: "image is lost" });
  if (hasDeadline && !shared.isLate) all.push({ kind: "deadline passes" });
  return all;
}

export function next(state: State, event: Event): State {
  const { shared } = state;
  switch (event.kind) {
    case "lease ends":
      // A lease is longer than the deadline here.
      return { ...state, shared: { ...shared, lease: "ended", isLate: state.hasDeadline } };
    case "deadline passes":
      return { ...state, shared: { ...shared, isLate: true } };
    case "image is lost":
      return { ...state, shared: { ...shared, imageUnderWay: false } };
    case "image lands":
      return { ...state, shared: { ...shared, image: true, imageUnderWay: false } };
    case "crash": {
      const { role, at } = deliveryOf(state, event.delivery);
      const isLoss = at === "store image";
      return {
        ...moved(state, event.delivery, first(role, shared.isLate), {
          imageUnderWay: shared.imageUnderWay || isLoss,
        }),
        crashesLeft: state.crashesLeft - 1,
        lostToCrashes: state.lostToCrashes + (isLoss ? 1 : 0),
      };
    }
    case "unpainted": {
      const delivery = deliveryOf(state, event.delivery);
      return {
        ...moved(state, event.delivery, { ...delivery, at: event.ending }),
        failuresLeft: state.failuresLeft - 1,
      };
    }
    case "step":
      return step(state, event.delivery);
  }
}

function deliveryOf({ deliveries }: State, index: number): Delivery {
  const delivery = deliveries[index];
  if (delivery === undefined) throw new Error(`there is no delivery ${index}`);
  return delivery;
}

function moved(state: State, delivery: number, to: Delivery, shared: Partial<Shared> = {}): State {
  return {
    ...state,
    deliveries: state.deliveries.with(delivery, to),
    shared: { ...state.shared, ...shared },
  };
}

function step(state: State, delivery: number): State {
  const { role, at, seen } = deliveryOf(state, delivery);
  const { shared } = state;
  const { record, version, lease, attempts, image, isLate } = shared;
  const go = (to: Delivery["at"], change: Partial<Shared> = {}, saw = seen) =>
    moved(state, delivery, { role, at: to, seen: saw }, change);
  const claim = {
    record: "generating",
    version: version + 1,
    lease: delivery,
    attempts: attempts + 1,
  } as const;
  /** Changes the record, unless it has changed since it was seen. */
  const write = (to: Delivery["at"], change: Partial<Shared>, conflict: Step = "check close") =>
    version === seen ? go(to, { version: version + 1, lease: "none", ...change }) : go(conflict);
  const takeOver = isLate ? "expire" : "take over";
  const wasTried = lease === "ended" || attempts > 0;
  switch (at) {
    case "create expired":
      return record === "none"
        ? go("done", { record: "expired", version: version + 1 }, version + 1)
        : go("read record");
    case "expire":
      return write("done", { record: "expired" }, "read record");
    case "close as expired":
      return write("done", { record: "expired", attempts: attempts - 1 });
    case "read to cancel": {
      if (record === "none") return go("create cancelled");
      if (isFinal(shared) || record === "failed") return go("done");
      if (isLeased(shared)) return go("waiting");
      return go(wasTried ? "find image to cancel" : "write cancelled", {}, version);
    }
    case "create cancelled":
      return record === "none"
        ? go("done", { record: "cancelled", version: version + 1 })
        : go("read to cancel");
    case "find image to cancel":
      return go(image ? "done" : "write cancelled");
    case "write cancelled":
      return write("done", { record: "cancelled" }, "read to cancel");
    case "read to delete": {
      if (record === "none") return go("create mark");
      if (record === "deleted") return go("erase record");
      return isLeased(shared) ? go("waiting") : go("write mark", {}, version);
    }
    case "create mark":
      return record === "none"
        ? go("erase record", { record: "deleted", version: version + 1 })
        : go("read to delete");
    case "write mark":
      return write("erase record", { record: "deleted", attempts: 0 }, "read to delete");
    case "erase record":
      return go("erase image");
    case "erase image":
      return go("done", { image: false });
    case "create record":
      return record === "none" ? go("pay", claim, version + 1) : go("read record");
    case "read record": {
      if (isFinal(shared)) return go("done");
      if (isLeased(shared)) return go("waiting");
      // Where nothing was ever tried, there can be no picture.
      return go(wasTried ? "find image" : takeOver, {}, version);
    }
    case "find image":
      return go(image ? "adopt" : takeOver);
    case "adopt":
      return write("done", { record: "succeeded" }, "check adopt");
    case "check adopt":
      return go(takeOver);
    case "take over":
      return version === seen ? go("pay", claim, version + 1) : go("read record");
    case "pay":
      if (isLate) return go("close as expired");
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
      return moved(state, delivery, first(role, isLate));
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
  const each = deliveries.map(({ role, at, seen }, delivery) =>
    [role, at, seen === version, lease === delivery].join(),
  );
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
