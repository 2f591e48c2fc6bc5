import { hash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { Call } from "./call.ts";
import type { CallEvidence, Track, Usage, Wait } from "./evidence.ts";
import { WORDS } from "./message.ts";
import type { Fault, Plan } from "./plan.ts";
import type { Answer } from "./proxy.ts";
import { Tracks } from "./tracks.ts";
import type { Observer, World } from "./world.ts";

/** The longest that a late call is held up, in milliseconds of real time: less than its caller waits. */
const LATEST_MS = 2_000;
const POLL_MS = 5;

const lineSchema = z.object({
  message: z.object({ event: z.string(), requestId: z.string(), answer: z.string().optional() }),
});
const usageSchema = z.object({
  chaos: z.object({
    environment: z.string(),
    invocations: z.number(),
    heapBytes: z.number(),
    handles: z.number(),
  }),
});
const metricSchema = z.object({
  AbandonedLeases: z.number().default(0),
  EstimatedCostUsd: z.number().default(0),
});
const hideSchema = z.object({ ReceiptHandle: z.string(), VisibilityTimeout: z.number() });
const recordSchema = z.object({
  status: z.string(),
  lease: z.object({ expiresAt: z.string() }).nullish(),
});
const paintedSchema = z.object({ images: z.tuple([z.string()]) });
/** Does the harm that a plan wants, and writes down all that goes on. */
export class Journal implements Observer {
  readonly tracks = new Tracks();
  readonly waits: Wait[] = [];
  readonly usage: Usage[] = [];
  readonly startedAt = Date.now();
  /** Of messages that were received, by receipt. */
  readonly receives = new Map<string, number>();
  abandonedLeases = 0;
  estimatedUsd = 0;
  promptsLogged = 0;
  /** From now on nothing goes wrong any more. */
  isFaultless = false;
  /** Told of each call before it goes on. */
  onCallOf: (track: Track) => void = () => {};
  readonly #world: World;
  readonly #plan: Plan;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
  }

  onCall(call: Call): CallEvidence {
    const track = this.tracks.ofCall(call);
    const nth = track.calls.filter((earlier) => earlier.call.target === call.target).length;
    const invocation = this.#world.environments.invocationOf(call.caller);
    const before = track.calls.findLast(
      (earlier) => earlier.invocation === invocation && earlier.call.target === call.target,
    );
    const fault = repeatedFault(call, before) ?? this.#faultOf(call, track, nth);
    const entry = {
      call,
      invocation,
      fault: fault?.kind,
      isWhole: fault?.whole ?? false,
      status: undefined,
      delivered: false,
      at: Date.now() + invocation.skewMs,
    };
    this.onCallOf(track);
    track.calls.push(entry);
    return entry;
  }

  onReached(call: Call, request: Buffer, answer: Answer): void {
    const track = this.tracks.ofCall(call);
    const entry = track.calls.findLast((candidate) => candidate.call === call);
    if (entry === undefined) throw new Error("a call came back that never went out");
    if (call.target === "model" && answer.status === 200) {
      const painted = paintedSchema.safeParse(JSON.parse(answer.body.toString()));
      const [image] = painted.data?.images ?? [];
      if (image !== undefined)
        track.paid.push({ sha256: hash("sha256", Buffer.from(image, "base64")), call: entry });
    }
    if (call.action === "s3:PutObject" && call.about.endsWith(".json")) {
      const { status, lease } = recordSchema.parse(JSON.parse(request.toString()));
      if (answer.status === 200) track.statuses.push(status);
      const now = Date.now() + entry.invocation.skewMs;
      const endsAt = Date.parse(lease?.expiresAt ?? "");
      const excess = endsAt - now - this.#world.leaseMs;
      if (excess > track.leaseExcessMs) track.leaseExcessMs = excess;
      const margin = endsAt - entry.invocation.deadline;
      if (margin < track.leaseMarginMs) track.leaseMarginMs = margin;
    }
    if (call.action === "sqs:ChangeMessageVisibility") {
      const { ReceiptHandle, VisibilityTimeout } = hideSchema.parse(JSON.parse(request.toString()));
      const receives = this.receives.get(ReceiptHandle) ?? 0;
      if (this.#isStormy()) this.waits.push({ receives, seconds: VisibilityTimeout });
    }
  }

  /** A late call is held up until the other deliveries of its prompt, which then meet it half way, have ended. */
  async holdUp(call: Call): Promise<void> {
    const track = this.tracks.ofCall(call);
    const until = performance.now() + LATEST_MS;
    track.heldUp += 1;
    while (track.underWay > track.heldUp && performance.now() < until) await setTimeout(POLL_MS);
    track.heldUp -= 1;
  }

  onLine(line: string): void {
    if (line.includes(WORDS)) this.promptsLogged += 1;
    const json: unknown = line.startsWith("{") ? JSON.parse(line) : undefined;
    const usage = usageSchema.safeParse(json);
    if (usage.success) this.usage.push(usage.data.chaos);
    const metrics = metricSchema.safeParse(json).data;
    this.abandonedLeases += metrics?.AbandonedLeases ?? 0;
    this.estimatedUsd += metrics?.EstimatedCostUsd ?? 0;
    const { data } = lineSchema.safeParse(json);
    const track = this.tracks.ofRequest(data?.message.requestId ?? "");
    if (data === undefined || track === undefined) return;
    const { event, answer } = data.message;
    if (event === "abandoned") track.abandoned += 1;
    if (event === "not painted" && answer === "failed") track.failedCalls += 1;
  }

  #isStormy(): boolean {
    return Date.now() - this.startedAt < this.#plan.stormMinutes * 60_000;
  }

  #faultOf(call: Call, track: Track, nth: number): Pick<Fault, "kind" | "whole"> | undefined {
    if (this.isFaultless) return undefined;
    if (call.target === "model" && this.#isStormy()) return { kind: "throttled" };
    return track.planned.faults.find((fault) => fault.on === call.target && fault.nth === nth);
  }
}

/** The fault of a call that is to fail as a whole, where this is another attempt of it; made by the SDK, or by the consumer. */
function repeatedFault(
  call: Call,
  before: CallEvidence | undefined,
): Pick<Fault, "kind" | "whole"> | undefined {
  if (before?.fault === undefined || !before.isWhole) return undefined;
  const isSame = before.call.action === call.action && before.call.about === call.about;
  return isSame ? { kind: before.fault, whole: true } : undefined;
}
