import { createHash } from "node:crypto";
import type { SQSRecord } from "aws-lambda";
import pLimit from "p-limit";
import { z } from "zod";
import { models } from "../../functions/domain/models.ts";
import { imageKey, recordKey } from "../../functions/domain/record.ts";
import { parseRecord } from "../../functions/domain/record-store.ts";
import { type Random, stream } from "../model/painter/random.ts";
import type { Call } from "./call.ts";
import { clock } from "./clock.ts";
import type { Invocation } from "./environments.ts";
import type { CallEvidence, Evidence, PromptEvidence, Usage, Wait } from "./evidence.ts";
import type { FaultKind } from "./faults.ts";
import { message } from "./message.ts";
import type { Plan } from "./plan.ts";
import type { Answer } from "./proxy.ts";
import { type Track, Tracks } from "./tracks.ts";
import type { Observer, World } from "./world.ts";

/** The clock moves by this much whenever no message is to be had, in milliseconds. */
const STEP_MS = 20_000;
/** No message may be under way for longer, in milliseconds: more than the queue keeps a prompt. */
const LONGEST_MS = 6 * 86_400_000;
/** Messages that are taken off the queue before any of them is delivered. These come in any order. */
const AT_ONCE = 400;

const PRICES_USD = new Map(models.map(({ id, pricePerImageUsd }) => [id, pricePerImageUsd]));

let runs = 0;

/**
 * Runs a plan until all messages are at rest, sends what ended in the dead-letter queue back, and runs that.
 * @returns what each of the two left behind; the second only where there was something to send back
 */
export async function runPlan(world: World, plan: Plan): Promise<Evidence[]> {
  runs += 1;
  const run = new Run(world, plan, `run${runs}`);
  world.observe(run);
  await run.send();
  const first = await run.settle();
  return (await run.redrive()) ? [first, await run.settle()] : [first];
}

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
const leasedSchema = z.object({ lease: z.object({ expiresAt: z.string() }) });
const paintedSchema = z.object({ images: z.tuple([z.string()]) });
const responseSchema = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });

/** A plan under way. */
class Run implements Observer {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #name: string;
  readonly #dice: Random;
  readonly #startedAt = Date.now();
  readonly #billedBefore: number;
  readonly #tracks = new Tracks();
  readonly #receives = new Map<string, number>();
  readonly #lastInvocation = new Map<string, Invocation>();
  readonly #waits: Wait[] = [];
  readonly #usage: Usage[] = [];
  readonly #killed = new Set<number>();
  #abandonedLeases = 0;
  #estimatedUsd = 0;
  #messages = 0;
  #deliveries = 0;
  #deadLetters: readonly SQSRecord[] = [];
  #faultless = false;

  constructor(world: World, plan: Plan, name: string) {
    this.#world = world;
    this.#plan = plan;
    this.#name = name;
    this.#dice = stream(String(plan.order));
    this.#billedBefore = world.bill.length;
  }

  async send(): Promise<void> {
    const all = this.#plan.prompts.flatMap((planned, index) =>
      Array.from({ length: planned.sent }, (_, copy) => message(planned, `${this.#name}-${index}`, copy)),
    );
    const messages = shuffled(all, this.#dice);
    const ids = await this.#world.queue.send(messages.map(({ body }) => body));
    this.#messages = ids.length;
    for (const [index, { planned, prompt, chosenId }] of messages.entries()) {
      // A prompt in plain text goes by the id of its message: sent twice, it is two prompts.
      const requestId = chosenId ?? ids[index] ?? "";
      this.#tracks.link(prompt, this.#tracks.open(requestId, planned));
    }
  }

  /** Delivers until no message is left in the queue. */
  async settle(): Promise<Evidence> {
    const { queue, deadLetters } = this.#world;
    const until = Date.now() + LONGEST_MS;
    while (Date.now() < until) {
      const records = await queue.receive(AT_ONCE);
      if (records.length > 0) await this.#deliver(records);
      else if ((await queue.size()) === 0) break;
      else clock.advance(STEP_MS);
    }
    this.#deadLetters = await deadLetters.receive(Number.POSITIVE_INFINITY);
    for (const record of this.#deadLetters) {
      this.#tracks.ofMessage(record).deadLetters.push(this.#lastInvocation.get(record.messageId));
    }
    await deadLetters.delete(this.#deadLetters);
    const restless = await queue.size();
    if (restless > 0) await queue.purge();
    return this.#evidence(restless);
  }

  /** Sends dead letters back, and does no more harm. @returns whether there were any to send back */
  async redrive(): Promise<boolean> {
    this.#faultless = true;
    for (const record of this.#deadLetters) this.#tracks.ofMessage(record).deadLetters.length = 0;
    // As the client does: a prompt in plain text goes by the id of its message, and what is sent back gets a new one.
    await this.#world.queue.send(
      this.#deadLetters.map(({ body, messageId }) =>
        body.startsWith("{") ? body : JSON.stringify({ requestId: messageId, prompt: body }),
      ),
    );
    return this.#deadLetters.length > 0;
  }

  onCall(call: Call): CallEvidence {
    const track = this.#tracks.ofCall(call);
    const nth = track.calls.filter((earlier) => earlier.call.target === call.target).length;
    const invocation = this.#world.environments.invocationOf(call.caller);
    const entry = {
      call,
      invocation,
      fault: this.#faultOf(call, track, nth),
      status: undefined,
      delivered: false,
    };
    track.calls.push(entry);
    return entry;
  }

  onReached(call: Call, request: Buffer, answer: Answer): void {
    const track = this.#tracks.ofCall(call);
    const entry = track.calls.findLast((candidate) => candidate.call === call);
    if (entry === undefined) throw new Error("a call came back that never went out");
    if (call.target === "model" && answer.status === 200) {
      const painted = paintedSchema.safeParse(JSON.parse(answer.body.toString()));
      const [image] = painted.data?.images ?? [];
      if (image !== undefined) track.paid.push({ sha256: sha256(Buffer.from(image, "base64")), call: entry });
    }
    if (call.action === "s3:PutObject" && call.about.endsWith(".json")) {
      const record = leasedSchema.safeParse(JSON.parse(request.toString()));
      const now = Date.now() + entry.invocation.skewMs;
      const endsAt = Date.parse(record.data?.lease.expiresAt ?? "");
      const excess = endsAt - now - this.#world.leaseMs;
      if (excess > track.leaseExcessMs) track.leaseExcessMs = excess;
    }
    if (call.action === "sqs:ChangeMessageVisibility") {
      const { ReceiptHandle, VisibilityTimeout } = hideSchema.parse(JSON.parse(request.toString()));
      const receives = this.#receives.get(ReceiptHandle) ?? 0;
      if (this.#isStormy()) this.#waits.push({ receives, seconds: VisibilityTimeout });
    }
  }

  onLine(line: string): void {
    const json: unknown = line.startsWith("{") ? JSON.parse(line) : undefined;
    const usage = usageSchema.safeParse(json);
    if (usage.success) this.#usage.push(usage.data.chaos);
    const metrics = metricSchema.safeParse(json).data;
    this.#abandonedLeases += metrics?.AbandonedLeases ?? 0;
    this.#estimatedUsd += metrics?.EstimatedCostUsd ?? 0;
    const { data } = lineSchema.safeParse(json);
    const track = this.#tracks.ofRequest(data?.message.requestId ?? "");
    if (data === undefined || track === undefined) return;
    const { event, answer } = data.message;
    if (event === "abandoned") track.abandoned += 1;
    if (event === "not painted" && answer === "failed") track.failedCalls += 1;
  }

  #isStormy(): boolean {
    return Date.now() - this.#startedAt < this.#plan.stormMinutes * 60_000;
  }

  #faultOf(call: Call, track: Track, nth: number): FaultKind | undefined {
    if (this.#faultless) return undefined;
    if (call.target === "model" && this.#isStormy()) return "throttled";
    return track.planned.faults.find((fault) => fault.on === call.target && fault.nth === nth)?.kind;
  }

  async #deliver(records: readonly SQSRecord[]): Promise<void> {
    const { clockSkewsMs, invocationsAtOnce } = this.#plan;
    const deliveries = shuffled(
      records.flatMap((record) => {
        const track = this.#tracks.ofMessage(record);
        this.#tracks.link(record.receiptHandle, track);
        this.#receives.set(record.receiptHandle, Number(record.attributes.ApproximateReceiveCount));
        return Array.from({ length: 1 + this.#duplicates(track) }, () => record);
      }),
      this.#dice,
    );
    const limit = pLimit(invocationsAtOnce);
    const invocations = deliveries.map((record, index) =>
      limit(() => this.#invoke(record, clockSkewsMs[index % clockSkewsMs.length] ?? 0)),
    );
    await Promise.all(invocations);
  }

  async #invoke(record: SQSRecord, skewMs: number): Promise<void> {
    this.#deliveries += 1;
    const ran = await this.#world.environments.invoke({ Records: [record] }, skewMs);
    if (ran === "recursive") return;
    const { outcome, invocation } = ran;
    this.#lastInvocation.set(record.messageId, invocation);
    if (invocation.killed) this.#killed.add(invocation.number);
    if (outcome.type !== "result") return;
    const isDone = responseSchema.parse(outcome.payload).batchItemFailures.length === 0;
    if (isDone && !this.#losesDelete(record)) await this.#world.queue.delete([record]);
  }

  /** How many more times SQS hands a message out at this moment. */
  #duplicates(track: Track): number {
    if (this.#faultless) return 0;
    const duplicates = Math.min(2, track.planned.duplicates - track.duplicates);
    track.duplicates += duplicates;
    return duplicates;
  }

  #losesDelete(record: SQSRecord): boolean {
    const track = this.#tracks.ofMessage(record);
    if (this.#faultless || track.deletesLost >= track.planned.deletesLost) return false;
    track.deletesLost += 1;
    return true;
  }

  async #evidence(restless: number): Promise<Evidence> {
    const limit = pLimit(8);
    return {
      plan: this.#plan,
      prompts: await Promise.all(this.#tracks.all().map((track) => limit(() => this.#promptEvidence(track)))),
      restless,
      waits: this.#waits,
      usage: this.#usage,
      abandonedLeases: this.#abandonedLeases,
      billed: this.#world.bill.length - this.#billedBefore,
      countableUsd: this.#countableUsd(),
      estimatedUsd: this.#estimatedUsd,
      messages: this.#messages,
      deliveries: this.#deliveries,
      kills: this.#killed.size,
      seconds: Math.round((Date.now() - this.#startedAt) / 1000),
    };
  }

  #countableUsd(): number {
    const paid = this.#tracks.all().flatMap((track) => track.paid);
    const uncounted = new Set(paid.filter(({ call }) => call.invocation.killed).map(({ sha256 }) => sha256));
    return this.#world.bill
      .slice(this.#billedBefore)
      .filter(({ imageSha256 }) => !uncounted.has(imageSha256))
      .reduce((sum, { modelId }) => sum + (PRICES_USD.get(modelId) ?? 0), 0);
  }

  async #promptEvidence(track: Track): Promise<PromptEvidence> {
    const { requestId } = track;
    const record = await this.#world.object(recordKey(this.#world.keyPrefix, requestId));
    const key = imageKey(this.#world.keyPrefix, { requestId, outputFormat: "png" });
    const image = await this.#world.object(key);
    return {
      ...track,
      calls: [...track.calls],
      paid: [...track.paid],
      deadLetters: [...track.deadLetters],
      record: record && parseRecord(requestId, record.toString()),
      image: image && { key, bytes: image.length, sha256: sha256(image) },
    };
  }
}

function shuffled<T>(items: readonly T[], dice: Random): T[] {
  return items
    .map((item) => ({ item, at: dice() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
