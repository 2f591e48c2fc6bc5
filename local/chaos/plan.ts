import fc from "fast-check";
import { z } from "zod";
import { CONFLICT, DENIED, type FaultKind, MODEL_ANSWERS, NOT_TAKEN, TRANSPORT_FAULTS } from "./faults.ts";

/** What may go wrong with a call of the model, of one for records and pictures, of one for the index, and of one of the queue or the event bus. */
const KINDS = {
  model: [...TRANSPORT_FAULTS, ...keysOf(MODEL_ANSWERS)],
  store: [CONFLICT, DENIED, ...TRANSPORT_FAULTS],
  index: [CONFLICT, ...TRANSPORT_FAULTS],
  queue: TRANSPORT_FAULTS,
  events: [NOT_TAKEN, ...TRANSPORT_FAULTS],
} as const satisfies Record<string, readonly FaultKind[]>;
export type Target = keyof typeof KINDS;

const count = z.int().nonnegative();

/** Something that goes wrong with one call that is made for one prompt. */
const faultSchema = z.strictObject({
  on: z.enum(keysOf(KINDS)),
  /** Which of the calls to that target that are made for the prompt: 0 is the first. */
  nth: count,
  kind: z.enum([CONFLICT, DENIED, NOT_TAKEN, ...KINDS.model]),
  /** Whether the call fails as a whole, at each attempt to repeat it; otherwise the one attempt. */
  whole: z.boolean().optional(),
});
export type Fault = Readonly<z.infer<typeof faultSchema>>;

/** One prompt, and all that goes wrong on its way. */
const promptSchema = z.strictObject({
  /** `text`: plain text. `request` and `jpeg`: JSON. `invalid`: JSON with an unknown field. `forbidden`: the model's filter blocks it. */
  body: z.enum(["text", "request", "jpeg", "invalid", "forbidden"]),
  /** How often the sender sends it: an impatient one sends it again. */
  sent: z.int().positive(),
  /** How many deliveries SQS makes too many, up to two at the same moment. */
  duplicates: count,
  /** How often the message stays in the queue although the consumer was done with it. */
  deletesLost: count,
  faults: z.array(faultSchema).readonly(),
  /** Somebody cancels it or deletes it, while the call with this number is under way, and again at the end if that was refused. */
  withdrawal: z.strictObject({ how: z.enum(["cancel", "delete"]), atCall: count }).optional(),
  /** Its deadline; not for plain text. */
  expiresInSeconds: z.int().positive().optional(),
});
export type PlannedPrompt = Readonly<z.infer<typeof promptSchema>>;

/** A schedule of deliveries and faults, as the command prints it. */
export const planSchema = z.strictObject({
  prompts: z.array(promptSchema).min(1).readonly(),
  /** How far the clocks of the execution environments are off, in milliseconds, in turn. */
  clockSkewsMs: z.array(z.int()).min(1).readonly(),
  /** How many invocations are under way at once, of one message each. */
  invocationsAtOnce: z.int().positive(),
  /** For how many minutes, from the start, every model is throttled. */
  stormMinutes: count,
  /** Start of the dice that shuffle the messages. */
  order: count,
});
export type Plan = Readonly<z.infer<typeof planSchema>>;

/** Two clocks that are off by this much in opposite directions still agree within the room that a lease has for it. */
const LARGEST_SKEW_MS = 14_000;

const LATEST_CALL = 5;

/** Where each attempt hangs until it times out, the call takes ten seconds of real time: too long to draw often. */
const QUICK = new Set<FaultKind>([
  "reset before",
  "reset after",
  "error before",
  "error after",
  "cut",
  CONFLICT,
]);

const fault: fc.Arbitrary<Fault> = fc.oneof(
  ...keysOf(KINDS).map((on) =>
    fc
      .record({
        on: fc.constant(on),
        nth: fc.nat(LATEST_CALL),
        kind: fc.constantFrom(...KINDS[on]),
        whole: fc.boolean(),
      })
      // A call of the model has one attempt only.
      .map((drawn) => ({ ...drawn, whole: drawn.whole && on !== "model" && QUICK.has(drawn.kind) })),
  ),
);

function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: 5 }, { arbitrary, weight: 1 });
}

/** @param mostFaults how much may go wrong with one prompt at the most */
export function plannedPrompts(mostFaults: number): fc.Arbitrary<PlannedPrompt> {
  return fc.record({
    body: fc.oneof(
      { arbitrary: fc.constantFrom("text" as const, "request" as const, "jpeg" as const), weight: 8 },
      { arbitrary: fc.constantFrom("invalid" as const, "forbidden" as const), weight: 1 },
    ),
    sent: fc.integer({ min: 1, max: 3 }),
    duplicates: fc.nat(4),
    deletesLost: fc.nat(1),
    faults: fc.array(fault, { maxLength: mostFaults }),
    withdrawal: seldom(
      fc.record({ how: fc.constantFrom("cancel" as const, "delete" as const), atCall: fc.nat(12) }),
    ),
    expiresInSeconds: seldom(fc.constantFrom(1, 60, 600)),
  });
}

/** @param mostPrompts how many prompts a plan has at the most */
export function plans(mostPrompts: number): fc.Arbitrary<Plan> {
  return fc.noBias(
    fc.record({
      prompts: fc.array(plannedPrompts(4), { minLength: 1, maxLength: mostPrompts, size: "max" }),
      clockSkewsMs: fc.array(fc.integer({ min: -LARGEST_SKEW_MS, max: LARGEST_SKEW_MS }), {
        minLength: 1,
        maxLength: 4,
      }),
      invocationsAtOnce: fc.integer({ min: 2, max: 4 }),
      stormMinutes: fc.constantFrom(0, 0, 5, 20),
      order: fc.nat(),
    }),
  );
}

function keysOf<T extends object>(object: T): (keyof T)[] {
  const keys: (keyof T)[] = [];
  for (const key in object) keys.push(key);
  return keys;
}
