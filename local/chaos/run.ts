import { hash } from "node:crypto";
import type { SQSRecord } from "aws-lambda";
import pLimit from "p-limit";
import { z } from "zod";
import { requestEventSchema } from "../../functions/domain/events.ts";
import { models } from "../../functions/domain/models.ts";
import { splitAtXmp } from "../../functions/domain/picture-mark.ts";
import { type DeletedRecord, imageKey, recordKey } from "../../functions/domain/record.ts";
import { parseRecord } from "../../functions/domain/record-store.ts";
import { indexKey } from "../../functions/domain/request-index.ts";
import type { OutputFormat } from "../../functions/domain/request-limits.ts";
import { cancelRequest, deleteRequest } from "../../functions/domain/withdraw.ts";
import { type Random, stream } from "../model/painter/random.ts";
import { clock } from "./clock.ts";
import type { Invocation } from "./environments.ts";
import type { Evidence, PromptEvidence, Track } from "./evidence.ts";
import { Journal } from "./journal.ts";
import { message, WORDS } from "./message.ts";
import type { Plan } from "./plan.ts";
import type { World } from "./world.ts";

/** The clock moves by this much whenever no message is to be had, in milliseconds. */
const STEP_MS = 20_000;
/** A message may be under way for so much longer than prompts are re-sent, in milliseconds. */
const REST_MS = 86_400_000;
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
  await run.send();
  const first = await run.settle();
  return (await run.redrive()) ? [first, await run.settle()] : [first];
}

const responseSchema = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });

/** A plan under way. */
class Run {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #name: string;
  readonly #dice: Random;
  readonly #billedBefore: number;
  readonly #toldBefore: number;
  readonly #journal: Journal;
  readonly #lastInvocation = new Map<string, Invocation>();
  readonly #killed = new Set<number>();
  /** Those under way. */
  readonly #withdrawals: Promise<void>[] = [];
  #messages = 0;
  #deliveries = 0;
  #deadLetters: readonly SQSRecord[] = [];

  constructor(world: World, plan: Plan, name: string) {
    this.#world = world;
    this.#plan = plan;
    this.#name = name;
    this.#dice = stream(String(plan.order));
    this.#billedBefore = world.bill.length;
    this.#toldBefore = world.told.length;
    this.#journal = new Journal(world, plan);
    world.observe(this.#journal);
    this.#journal.onCallOf = (track) => {
      if (track.calls.length === track.planned.withdrawal?.atCall)
        this.#withdrawals.push(this.#withdraw(track));
    };
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
      this.#journal.tracks.link(prompt, this.#journal.tracks.open(requestId, planned));
    }
  }

  /** Delivers until no message is left in the queue. */
  async settle(): Promise<Evidence> {
    const { queue, deadLetters } = this.#world;
    const until = Date.now() + this.#world.giveUpAfterMs + REST_MS;
    while (Date.now() < until) {
      const records = await queue.receive(AT_ONCE);
      if (records.length > 0) await this.#deliver(records);
      else if ((await queue.size()) === 0) break;
      else clock.advance(STEP_MS);
    }
    this.#deadLetters = await deadLetters.receive(Number.POSITIVE_INFINITY);
    for (const record of this.#deadLetters) {
      this.#journal.tracks.ofMessage(record).deadLetters.push(this.#lastInvocation.get(record.messageId));
    }
    await Promise.all(this.#deadLetters.map((record) => deadLetters.delete(record)));
    await this.#withdrawTheRest();
    const restless = await queue.size();
    if (restless > 0) await queue.purge();
    return this.#evidence(restless);
  }

  /** Sends dead letters back, and does no more harm. @returns whether there were any to send back */
  async redrive(): Promise<boolean> {
    this.#journal.isFaultless = true;
    for (const { deadLetters, statuses } of this.#journal.tracks.all())
      deadLetters.length = statuses.length = 0;
    // As the client does: a prompt in plain text goes by the id of its message, and what is sent back gets a new one.
    await this.#world.queue.send(
      this.#deadLetters.map(({ body, messageId }) =>
        body.startsWith("{") ? body : JSON.stringify({ requestId: messageId, prompt: body }),
      ),
    );
    return this.#deadLetters.length > 0;
  }

  async #deliver(records: readonly SQSRecord[]): Promise<void> {
    const { clockSkewsMs, invocationsAtOnce } = this.#plan;
    const deliveries = shuffled(
      records.flatMap((record) => {
        const track = this.#journal.tracks.ofMessage(record);
        this.#journal.tracks.link(record.receiptHandle, track);
        this.#journal.receives.set(record.receiptHandle, Number(record.attributes.ApproximateReceiveCount));
        return Array.from({ length: 1 + this.#duplicates(track) }, () => record);
      }),
      this.#dice,
    );
    const limit = pLimit(invocationsAtOnce);
    const invocations = deliveries.map((record, index) =>
      limit(() => this.#invoke(record, clockSkewsMs[index % clockSkewsMs.length] ?? 0)),
    );
    await Promise.all(invocations);
    await Promise.all(this.#withdrawals.splice(0));
  }

  /** Cancels or deletes a request, as its plan says. What is refused is tried again at the end. */
  async #withdraw(track: Track): Promise<void> {
    const withdraw = track.planned.withdrawal?.how === "delete" ? deleteRequest : cancelRequest;
    const { kind } = await withdraw(track.requestId, this.#world.withdrawOptions);
    if (kind !== "withdrawn") return;
    track.modelCallsWhenWithdrawn ??= track.calls.filter(({ call }) => call.target === "model").length;
  }

  /** Once no lease can be live any more. */
  async #withdrawTheRest(): Promise<void> {
    const left = this.#journal.tracks
      .all()
      .filter(({ planned, modelCallsWhenWithdrawn: calls }) => planned.withdrawal && calls === undefined);
    if (left.length === 0) return;
    clock.advance(2 * this.#world.leaseMs);
    await Promise.all(left.map((track) => this.#withdraw(track)));
  }

  async #invoke(record: SQSRecord, skewMs: number): Promise<void> {
    this.#deliveries += 1;
    const track = this.#journal.tracks.ofMessage(record);
    track.underWay += 1;
    const ran = await this.#world.environments.invoke({ Records: [record] }, skewMs);
    track.underWay -= 1;
    if (ran === "recursive") return;
    const { outcome, invocation } = ran;
    this.#lastInvocation.set(record.messageId, invocation);
    if (invocation.killed) this.#killed.add(invocation.number);
    if (outcome.type !== "result") return;
    const isDone = responseSchema.parse(outcome.payload).batchItemFailures.length === 0;
    if (isDone && !this.#losesDelete(record)) await this.#world.queue.delete(record);
  }

  /** How many more times SQS hands a message out at this moment. */
  #duplicates(track: Track): number {
    if (this.#journal.isFaultless) return 0;
    const duplicates = Math.min(2, track.planned.duplicates - track.duplicates);
    track.duplicates += duplicates;
    return duplicates;
  }

  #losesDelete(record: SQSRecord): boolean {
    const track = this.#journal.tracks.ofMessage(record);
    if (this.#journal.isFaultless || track.deletesLost >= track.planned.deletesLost) return false;
    track.deletesLost += 1;
    return true;
  }

  async #evidence(restless: number): Promise<Evidence> {
    const limit = pLimit(8);
    const events = this.#world.told.slice(this.#toldBefore);
    const told = Map.groupBy(
      events.map(({ detail }) => requestEventSchema.parse(detail)),
      ({ requestId }) => requestId,
    );
    const evidenceOf = (track: Track) => this.#promptEvidence(track, told.get(track.requestId) ?? []);
    const { tracks, waits, usage, abandonedLeases, estimatedUsd, startedAt, promptsLogged } = this.#journal;
    return {
      plan: this.#plan,
      prompts: await Promise.all(tracks.all().map((track) => limit(() => evidenceOf(track)))),
      restless,
      waits,
      usage,
      abandonedLeases,
      promptsTold:
        promptsLogged + events.filter(({ detail }) => JSON.stringify(detail).includes(WORDS)).length,
      billed: this.#world.bill.length - this.#billedBefore,
      countableUsd: this.#countableUsd(),
      estimatedUsd,
      messages: this.#messages,
      deliveries: this.#deliveries,
      kills: this.#killed.size,
      seconds: Math.round((Date.now() - startedAt) / 1000),
    };
  }

  #countableUsd(): number {
    const paid = this.#journal.tracks.all().flatMap((track) => track.paid);
    const uncounted = new Set(paid.filter(({ call }) => call.invocation.killed).map(({ sha256 }) => sha256));
    return this.#world.bill
      .slice(this.#billedBefore)
      .filter(({ imageSha256 }) => !uncounted.has(imageSha256))
      .reduce((sum, { modelId }) => sum + (PRICES_USD.get(modelId) ?? 0), 0);
  }

  async #promptEvidence(track: Track, told: PromptEvidence["told"]): Promise<PromptEvidence> {
    const { requestId } = track;
    const { keyPrefix } = this.#world;
    const bytes = await this.#world.object(recordKey(keyPrefix, requestId));
    const record = bytes && parseRecord(requestId, bytes.toString());
    // The emulator looks through all that it has for each list.
    const left = record?.status === "deleted" ? traceKeys(keyPrefix, record) : [];
    const versions = await Promise.all(left.map((key) => this.#world.versions(key)));
    const outputFormat = track.planned.body === "jpeg" ? "jpeg" : "png";
    const key = imageKey(keyPrefix, { requestId, outputFormat });
    const image = await this.#world.object(key);
    return {
      ...{ ...track, told, versions: versions.flat() },
      calls: [...track.calls],
      paid: [...track.paid],
      deadLetters: [...track.deadLetters],
      statuses: [...track.statuses],
      record,
      image: image && {
        key,
        bytes: image.length,
        sha256: hash("sha256", image),
        paintedSha256: hash("sha256", withoutMark(image, outputFormat)),
      },
    };
  }
}

/** What the keys begin with under which a deleted request may have left something. */
function traceKeys(keyPrefix: string, record: DeletedRecord): string[] {
  const { requestId } = record;
  const keys = [recordKey(keyPrefix, requestId), `${keyPrefix}images/${requestId}.`];
  return [...keys, indexKey(keyPrefix, record) ?? []].flat();
}

function withoutMark(image: Buffer, format: OutputFormat): Buffer {
  const split = splitAtXmp(image, format);
  if (split?.xmp === undefined) throw new Error("a picture was stored without its mark");
  return Buffer.concat([split.before, split.after]);
}

function shuffled<T>(items: readonly T[], dice: Random): T[] {
  return items
    .map((item) => ({ item, at: dice() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
