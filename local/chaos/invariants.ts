import { eventOf } from "../../functions/domain/events.ts";
import type { CallEvidence, Evidence, PaidPicture, PromptEvidence } from "./evidence.ts";
import { BUSY, CONFLICT } from "./faults.ts";
import { growing } from "./growth.ts";
import { isWithdrawn, leftBehind, painted, paintedLate } from "./withdrawals.ts";

/** A promise that was not kept. */
export interface Violation {
  readonly promise: PromiseName;
  /** Ids, never prompts. */
  readonly what: string;
}

type Check = (evidence: Evidence) => string[];

const PROMISES = [
  [
    "nothing is lost",
    (evidence) => [
      ...each(evidence, lost),
      ...(evidence.restless === 0 ? [] : [`${evidence.restless} messages never come to rest`]),
    ],
  ],
  ["nobody pays twice", (evidence) => [...each(evidence, paidTwice), ...unknownToBill(evidence)]],
  [
    "every loss is counted",
    (evidence) => [...each(evidence, miscounted), ...unknownToMetric(evidence), ...spentUnseen(evidence)],
  ],
  ["what is cancelled or deleted stays so", (evidence) => each(evidence, painted)],
  ["nothing is left of what is deleted", (evidence) => each(evidence, leftBehind)],
  [
    "no log and no event has a prompt",
    ({ promptsTold }) => (promptsTold === 0 ? [] : [`${promptsTold} have one`]),
  ],
  ["no model is called after the deadline", (evidence) => each(evidence, paintedLate)],
  ["records match the bucket", (evidence) => each(evidence, contradiction)],
  ["every end is told, under one id", (evidence) => each(evidence, untold)],
  [
    "leases end",
    (evidence) =>
      each(evidence, ({ leaseExcessMs }) =>
        leaseExcessMs > 0 ? `is leased for ${leaseExcessMs} ms too long` : undefined,
      ),
  ],
  [
    "leases outlive their owners",
    (evidence) =>
      each(evidence, ({ leaseMarginMs }) =>
        leaseMarginMs < 0 ? `is leased for ${-leaseMarginMs} ms less than its owner can live` : undefined,
      ),
  ],
  ["failed is final", (evidence) => each(evidence, failedTooEarly)],
  ["a blocked prompt is not asked again", (evidence) => each(evidence, askedAgain)],
  ["throttling loses nothing", (evidence) => each(evidence, throttledAway)],
  ["back-off spreads retries", huddled],
  ["memory and handles stay flat", growing],
] as const satisfies readonly (readonly [string, Check])[];
export type PromiseName = (typeof PROMISES)[number][0];

/** Every promise that the evidence speaks against. */
export function violations(evidence: Evidence): Violation[] {
  return PROMISES.flatMap(([promise, check]) => check(evidence).map((what) => ({ promise, what })));
}

function each({ prompts }: Evidence, check: (prompt: PromptEvidence) => string | undefined): string[] {
  return prompts.flatMap((prompt) => {
    const problem = check(prompt);
    return problem === undefined ? [] : [`${prompt.requestId} ${problem}`];
  });
}

/** A prompt ends as a picture, as rejected with a reason, or as failed with a dead letter. */
function lost({ record, image, deadLetters, ...prompt }: PromptEvidence): string | undefined {
  const unexcused = deadLetters.length > 0 && !deadLetters.every((last) => isCutShort(prompt, last));
  switch (record?.status) {
    case "succeeded":
      if (image === undefined) return "has succeeded without a picture";
      return unexcused ? "has succeeded, and is a dead letter" : undefined;
    case "rejected":
      return unexcused ? "was rejected, and is a dead letter" : undefined;
    case "failed":
      return deadLetters.length === 0 ? "has failed without a dead letter" : undefined;
    case "cancelled":
    case "expired":
    case "deleted":
      return undefined;
    default:
      // Nobody can close a record when the last try is cut short.
      if (deadLetters.length > 0 && !unexcused) return undefined;
      return `is ${record?.status ?? "without a record"}, with ${deadLetters.length} dead letters`;
  }
}

/** An event may be repeated under its id. What the dead-letter queue has is told once it is sent back. */
function untold({ record, told, deadLetters }: PromptEvidence): string | undefined {
  if (record === undefined || record.status === "queued" || record.status === "generating") return undefined;
  // Where there is no message any more, the one who cancels or deletes it tells.
  if (record.status === "cancelled" || record.status === "deleted") return undefined;
  const ids = new Set(told.filter(({ status }) => status === record.status).map(({ eventId }) => eventId));
  if (ids.has(eventOf(record).eventId))
    return ids.size === 1 || record.status === "failed" ? undefined : `is told under ${ids.size} ids`;
  return deadLetters.length > 0 && record.status !== "failed"
    ? undefined
    : `is ${record.status}, and that is not told`;
}

/** Whether an invocation was killed, or could not write what it wanted to. A message that none had has no excuse. */
function isCutShort(
  { calls }: Pick<PromptEvidence, "calls">,
  invocation: PromptEvidence["deadLetters"][number],
): boolean {
  return (
    invocation !== undefined &&
    (invocation.killed ||
      calls.some(
        ({ call, fault = "late", ...of }) =>
          of.invocation === invocation &&
          call.target !== "model" &&
          fault !== "late" &&
          (fault !== CONFLICT || of.isWhole),
      ))
  );
}

/** A picture that was paid for is stored, but for the named windows: killed, answer lost, not storable. */
function paidTwice(prompt: PromptEvidence): string | undefined {
  const unexcused = lostPictures(prompt).filter((paid) => !isInWindow(prompt, paid));
  return unexcused.length > 0 ? `paid for ${unexcused.length} pictures too many` : undefined;
}

export function lostPictures({ paid, image, record }: PromptEvidence): PaidPicture[] {
  if (record?.status === "deleted") return [];
  return paid.filter(({ sha256 }) => sha256 !== image?.paintedSha256);
}

function isInWindow({ calls }: PromptEvidence, { call }: PaidPicture): boolean {
  return (
    !call.delivered ||
    call.invocation.killed ||
    calls.some(
      (other) =>
        other.invocation === call.invocation &&
        other.call.action === "s3:PutObject" &&
        !other.call.about.endsWith(".json") &&
        !other.delivered,
    )
  );
}

function unknownToBill({ billed, prompts }: Evidence): string[] {
  const paid = prompts.reduce((sum, prompt) => sum + prompt.paid.length, 0);
  return paid === billed ? [] : [`the bill has ${billed} pictures, and ${paid} came by`];
}

/**
 * Each takeover of a request is counted, and each call that was given up. An owner can die before it has paid, so there are
 * more takeovers than lost pictures. A request with a living owner is never taken over. Nobody takes over a dead letter.
 */
function miscounted(prompt: PromptEvidence): string | undefined {
  const { calls, abandoned, failedCalls, deadLetters } = prompt;
  const cutShort = new Set(
    calls.map(({ invocation }) => invocation).filter((each) => isCutShort(prompt, each)),
  );
  if (abandoned > cutShort.size) return `was taken over ${abandoned} times from ${cutShort.size} owners`;
  // Nobody takes over what is not to be painted any more.
  if (deadLetters.length > 0 || isWithdrawn(prompt)) return undefined;
  const lost = lostPictures(prompt);
  const withOwner = lost.filter(diedWithOwner).length;
  if (withOwner > abandoned)
    return `lost ${withOwner} pictures with their owners, and ${abandoned} are counted`;
  return lost.length > abandoned + failedCalls
    ? `lost ${lost.length} paid pictures, and the log knows of ${abandoned + failedCalls}`
    : undefined;
}

/** Whether a picture was lost after its owner had it, or on the way to an owner that was killed. */
export function diedWithOwner({ call: { delivered, fault } }: PaidPicture): boolean {
  return delivered || fault === "kill after";
}

function unknownToMetric({ abandonedLeases, prompts }: Evidence): string[] {
  const logged = prompts.reduce((sum, { abandoned }) => sum + abandoned, 0);
  return logged === abandonedLeases
    ? []
    : [`AbandonedLeases is ${abandonedLeases}, and the log knows of ${logged}`];
}

/** Sums of prices are not exact; less than any price, in US dollars. */
const ROUNDING_USD = 0.001;

/** The estimate may be too high, never too low. */
function spentUnseen({ countableUsd, estimatedUsd }: Evidence): string[] {
  return estimatedUsd >= countableUsd - ROUNDING_USD
    ? []
    : [`EstimatedCostUsd is ${estimatedUsd}, and the bill has ${countableUsd}`];
}

function contradiction({ record, image, paid, deadLetters }: PromptEvidence): string | undefined {
  if (image !== undefined && !paid.some(({ sha256 }) => sha256 === image.paintedSha256)) {
    return "has a picture that no model painted";
  }
  if (record?.status !== "succeeded") {
    const isExplained = image === undefined || deadLetters.length > 0;
    return isExplained ? undefined : `has a picture, and is ${record?.status ?? "without a record"}`;
  }
  const { key, bytes, sha256 } = record.image;
  const isRight = key === image?.key && bytes === image.bytes && sha256 === image.sha256;
  return isRight ? undefined : "has a picture that is not the one on record";
}

/** A request that has one message is `failed` only once that is a dead letter: who polls must not see it come and go. */
function failedTooEarly({ planned, calls, statuses }: PromptEvidence): string | undefined {
  const hasCopies =
    planned.sent + planned.duplicates + planned.deletesLost > 1 ||
    calls.some(({ call, fault }) => call.target === "queue" && fault !== undefined);
  const failed = statuses.indexOf("failed");
  const again = hasCopies || failed < 0 ? [] : statuses.slice(failed + 1);
  return again.length > 0 ? `was failed, and then ${again.join(", ")}` : undefined;
}

/**
 * A blocked prompt is not painted again, unless its owner could not record the answer. The same holds for a prompt whose
 * picture was blocked twice in one invocation: these prompts name no seed.
 */
function askedAgain({ planned, calls }: PromptEvidence): string | undefined {
  const models = calls.filter(({ call }) => call.target === "model");
  const isHeldBackAgain = (call: CallEvidence) =>
    call.fault === "filtered image" &&
    models.some(
      (earlier) =>
        earlier.fault === call.fault &&
        earlier.invocation === call.invocation &&
        models.indexOf(earlier) < models.indexOf(call),
    );
  const blocked = models.findIndex(
    (call) =>
      (call.fault === "filtered prompt" ||
        isHeldBackAgain(call) ||
        (planned.body === "forbidden" && call.delivered)) &&
      !call.invocation.killed &&
      !calls.some(
        (other) =>
          other.invocation === call.invocation &&
          (other.call.target === "store" || other.call.target === "index") &&
          other.fault,
      ),
  );
  const again = blocked < 0 ? 0 : models.length - blocked - 1;
  return again > 0 ? `was blocked, and sent to a model ${again} more times` : undefined;
}

/** Only a prompt that something else happened to may end as a dead letter. */
function throttledAway({ deadLetters, calls }: PromptEvidence): string | undefined {
  if (deadLetters.length === 0) return undefined;
  const isTroubled = calls.some(
    ({ fault, invocation }) => invocation.killed || (fault !== undefined && !BUSY.includes(fault)),
  );
  // One that hung for too long may have made no call.
  const isKilledUnseen = deadLetters.some((last) => last?.killed);
  return isTroubled || isKilledUnseen ? undefined : "is a dead letter although no model ever failed";
}

/** From the third receive on, the back-off draws from ten seconds or more. */
const SPREAD_FROM = 3;
/** So many equal draws out of ten seconds are no chance. */
const FEWEST_WAITS = 8;

function huddled({ waits }: Evidence): string[] {
  const byReceives = Map.groupBy(
    waits.filter(({ receives }) => receives >= SPREAD_FROM),
    ({ receives }) => receives,
  );
  return [...byReceives].flatMap(([receives, group]) => {
    const different = new Set(group.map(({ seconds }) => seconds)).size;
    return group.length >= FEWEST_WAITS && different < 3
      ? [`${group.length} messages waited for ${different} different times after ${receives} receives`]
      : [];
  });
}
