import fc from "fast-check";
import { z } from "zod";
import {
  CONFLICT,
  type Fault,
  type FaultKind,
  MODEL_ANSWERS,
  type Target,
  TRANSPORT_FAULTS,
} from "./faults.ts";

/** One prompt, and all that goes wrong on its way. */
export interface PlannedPrompt {
  /** `text`: plain text. `request`: JSON. `invalid`: JSON with an unknown field. `forbidden`: the model's filter blocks it. */
  readonly body: "text" | "request" | "invalid" | "forbidden";
  /** How often the sender sends it: an impatient one sends it again. */
  readonly sent: number;
  /** How many deliveries SQS makes too many, up to two at the same moment. */
  readonly duplicates: number;
  /** How often the message stays in the queue although the consumer was done with it. */
  readonly deletesLost: number;
  readonly faults: readonly Fault[];
}

/** A schedule of deliveries and faults. */
export interface Plan {
  readonly prompts: readonly PlannedPrompt[];
  /** How far the clocks of the execution environments are off, in milliseconds, in turn. */
  readonly clockSkewsMs: readonly number[];
  /** How many invocations are under way at once, of one message each. */
  readonly invocationsAtOnce: number;
  /** For how many minutes, from the start, every model is throttled. */
  readonly stormMinutes: number;
  /** Start of the dice that shuffle the messages. */
  readonly order: number;
}

/** What may go wrong with a call of each service. */
const KINDS = {
  model: [...TRANSPORT_FAULTS, ...keysOf(MODEL_ANSWERS)],
  store: [CONFLICT, ...TRANSPORT_FAULTS],
  queue: TRANSPORT_FAULTS,
} as const satisfies Record<Target, readonly FaultKind[]>;

const count = z.int().nonnegative();

/** A schedule as the command prints it. */
export const planSchema = z.strictObject({
  prompts: z
    .array(
      z.strictObject({
        body: z.enum(["text", "request", "invalid", "forbidden"]),
        ...{ sent: z.int().positive(), duplicates: count, deletesLost: count },
        faults: z.array(
          z.strictObject({
            on: z.enum(keysOf(KINDS)),
            nth: count,
            kind: z.enum([CONFLICT, ...KINDS.model]),
          }),
        ),
      }),
    )
    .min(1),
  clockSkewsMs: z.array(z.int()).min(1),
  invocationsAtOnce: z.int().positive(),
  stormMinutes: count,
  order: count,
}) satisfies z.ZodType<Plan>;

/** Two clocks that are off by this much in opposite directions still agree within the room that a lease has for it. */
const LARGEST_SKEW_MS = 14_000;

const LATEST_CALL = 5;

const fault: fc.Arbitrary<Fault> = fc.oneof(
  ...keysOf(KINDS).map((on) =>
    fc.record({ on: fc.constant(on), nth: fc.nat(LATEST_CALL), kind: fc.constantFrom(...KINDS[on]) }),
  ),
);

/** @param mostFaults how much may go wrong with one prompt at the most */
export function plannedPrompts(mostFaults: number): fc.Arbitrary<PlannedPrompt> {
  return fc.record({
    body: fc.oneof(
      { arbitrary: fc.constantFrom("text" as const, "request" as const), weight: 8 },
      { arbitrary: fc.constantFrom("invalid" as const, "forbidden" as const), weight: 1 },
    ),
    sent: fc.integer({ min: 1, max: 3 }),
    duplicates: fc.nat(4),
    deletesLost: fc.nat(1),
    faults: fc.array(fault, { maxLength: mostFaults }),
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
