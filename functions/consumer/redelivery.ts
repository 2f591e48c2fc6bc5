import type { ClosedRecord, Reason } from "../domain/record.ts";

/** What came of one receive of a message. */
export type Outcome =
  /** There is nothing left to do. */
  | { readonly kind: "done"; readonly record: ClosedRecord }
  /** It can never become a picture; the record says why. */
  | { readonly kind: "rejected"; readonly record: ClosedRecord }
  /** Nothing was really tried: such a receive must not bring the message nearer to the dead-letter queue. */
  | {
      readonly kind: "postponed";
      readonly reason: Reason;
      /** In seconds, where it is known how long to wait; otherwise the back-off decides. */
      readonly waitSeconds?: number;
    }
  /** A try failed. `bug`: by an error of our own code. */
  | { readonly kind: "failed"; readonly reason: Reason; readonly bug?: Error }
  /** Somebody has to change something first. */
  | { readonly kind: "broken"; readonly reason: Reason };

/** What becomes of a message after a receive. */
export type Redelivery =
  /** There is nothing left to do. */
  | { readonly kind: "delete" }
  /** It is received again after so many seconds. */
  | { readonly kind: "wait"; readonly seconds: number }
  /** A copy with a receive count of zero takes its place, and is received after so many seconds. */
  | { readonly kind: "re-send"; readonly seconds: number }
  /** SQS moves it to the dead-letter queue, as its last receive is used up. */
  | { readonly kind: "give up" };

export interface ReceiveHistory {
  /** How often the message was received, this time included. */
  readonly receives: number;
  /** How long ago its prompt was first sent, in milliseconds. */
  readonly ageMs: number;
}

export interface RedeliveryLimits {
  /** After this many receives SQS moves a message to the dead-letter queue. */
  readonly receiveLimit: number;
  /** An older prompt, in milliseconds, is not re-sent. */
  readonly giveUpAfterMs: number;
}

/** The waits between two receives, in seconds. */
const FIRST_SECONDS = 5;
const LONGEST_SECONDS = 300;
/** Where somebody has to change something: the message is to reach the dead-letter queue, and its alarm, soon. */
const LONGEST_BROKEN_SECONDS = 60;

/**
 * Decides what becomes of a message. SQS counts every receive towards the dead-letter queue, also one on which nothing
 * was tried: a postponed message is re-sent before its receives run out. Not on the last one: should sending the copy
 * fail, there is a second chance.
 * @param waitSeconds where it is known how long to wait; otherwise the back-off decides
 * @param random draws a number in [0, 1)
 */
export function decideRedelivery(
  { kind, waitSeconds }: { readonly kind: Outcome["kind"]; readonly waitSeconds?: number },
  history: ReceiveHistory,
  limits: RedeliveryLimits,
  random: () => number = Math.random,
): Redelivery {
  if (kind === "done" || kind === "rejected") return { kind: "delete" };
  if (isGivenUp(kind, history, limits)) return { kind: "give up" };
  const backOff = backOffSeconds(history.receives, random);
  switch (kind) {
    case "postponed": {
      const isNearlyUsedUp = history.receives >= limits.receiveLimit - 1;
      const isResent = isNearlyUsedUp && history.ageMs <= limits.giveUpAfterMs;
      return { kind: isResent ? "re-send" : "wait", seconds: waitSeconds ?? backOff };
    }
    case "failed":
      return { kind: "wait", seconds: backOff };
    case "broken":
      return { kind: "wait", seconds: Math.min(backOff, LONGEST_BROKEN_SECONDS) };
  }
}

/** Whether a message without a picture has had its last receive: only then is its request `failed`. */
export function isGivenUp(
  kind: "postponed" | "failed" | "broken",
  history: ReceiveHistory,
  limits: RedeliveryLimits,
): boolean {
  if (history.receives < limits.receiveLimit) return false;
  return kind !== "postponed" || history.ageMs > limits.giveUpAfterMs;
}

/** Exponential back-off with 50 % jitter, so that messages that failed together do not come back together. */
function backOffSeconds(receives: number, random: () => number): number {
  const ceiling = Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (receives - 1));
  return Math.ceil(ceiling / 2 + (random() * ceiling) / 2);
}
