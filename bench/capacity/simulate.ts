import { backOffSeconds } from "../../functions/consumer/back-off.ts";
import { LONGEST_WAIT_MS, MOST_CALLS } from "../../functions/consumer/paint.ts";
import { SHORTEST_CALL_SECONDS, STORING_SECONDS } from "../../functions/domain/timing.ts";
import { type Random, stream } from "../../local/painter/random.ts";
import { checkQuestion, type PlannedModel, type Question } from "./question.ts";
import { Telemetry } from "./telemetry.ts";
import { Timeline } from "./timeline.ts";

/** What came of the prompts. Times are in seconds. */
export interface Run {
  /** When each picture was there, after the first moment; in order. */
  readonly finished: readonly number[];
  /** How long each user waited, shortest first. */
  readonly waits: readonly number[];
  readonly deadLetters: number;
  /** Prompts that were too old for the queue before they were painted: it forgot them. */
  readonly expired: number;
  /** Prompts that waited in the queue, once for each of a hundred moments from the first prompt to the last picture. */
  readonly backlog: readonly { readonly at: number; readonly waiting: number }[];
  readonly invocations: number;
  readonly coldStarts: number;
  /** Seconds that are billed, all invocations together. */
  readonly billed: number;
  readonly paid: Readonly<Record<string, number>>;
  readonly throttled: number;
  readonly calls: { readonly sqs: number; readonly s3Writes: number };
  readonly telemetry: Telemetry;
}

/** Lambda gives an event source five batches at once, and 300 more for each minute of a backlog, up to 1,250. */
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
const FIRST_BATCHES = 5;
const MORE_BATCHES_PER_SECOND = 300 / 60;
const MOST_BATCHES = 1250;

/** Lambda gives a function one virtual processor for each 1,769 MB. */
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
export const MB_PER_PROCESSOR = 1769;

interface Message {
  readonly sentAt: number;
  /** When this copy of it was put on the queue: the queue knows no other age. */
  queuedAt: number;
  receives: number;
  attempts: number;
}

/** What an execution environment of the function remembers from one batch to the next. */
interface Environment {
  /** The links of the chain that took nothing the last time: they are called once, until they paint. */
  readonly overloaded: Set<number>;
}

/** Plays the question through, call by call. Throws {@link QuestionError} where it makes no sense. */
export function simulate(question: Question): Run {
  checkQuestion(question);
  return new Simulation(question).run();
}

class Simulation {
  readonly #question: Question;
  readonly #timeline = new Timeline();
  readonly #random: Random;
  readonly #share: number;
  // First in, first out, without moving the rest of a long queue with each one that leaves.
  #queue: Message[] = [];
  #head = 0;
  // The last one that became idle is used first.
  readonly #idle: Environment[] = [];
  #running = 0;
  #environments = 0;
  #backlogSince = 0;
  #pollIsPlanned = false;
  readonly #finished: number[] = [];
  readonly #waits: number[] = [];
  readonly #paid: Record<string, number> = {};
  readonly #depth: { at: number; waiting: number }[] = [];
  #deadLetters = 0;
  #expired = 0;
  // All that the queue has, whether or not it can be seen; the copy that has been there longest first.
  readonly #kept = new Set<Message>();
  readonly #telemetry = new Telemetry();
  #invocations = 0;
  #billed = 0;
  #throttled = 0;
  #sqsCalls = 0;
  #writes = 0;

  constructor(question: Question) {
    this.#question = question;
    this.#random = stream(`capacity ${question.seed}`);
    this.#share = Math.min(1, question.consumer.memoryMb / MB_PER_PROCESSOR);
  }

  run(): Run {
    const { prompts, within } = this.#question;
    const times = Array.from({ length: prompts }, () => this.#random() * within).sort((a, b) => a - b);
    // One planned arrival at a time keeps the timeline short.
    const arrive = (from: number): void => {
      const sentAt = times[from];
      if (sentAt === undefined) return;
      this.#timeline.at(sentAt, () => {
        let next = from;
        for (; times[next] === sentAt; next++) {
          this.#sqsCalls += 1;
          const message = { sentAt, queuedAt: sentAt, receives: 0, attempts: 0 };
          this.#kept.add(message);
          this.#put(message);
        }
        this.#poll();
        arrive(next);
      });
    };
    arrive(0);
    const lastSent = times.at(-1) ?? 0;
    const everyMinute = (at: number): void =>
      this.#timeline.at(at, () => {
        this.#sample();
        if (at <= lastSent || this.#kept.size > 0) everyMinute(at + 60);
      });
    // Within the minute, as SQS tells: what comes at its end belongs to the next.
    everyMinute(59);
    this.#timeline.run();
    return {
      finished: this.#finished,
      waits: this.#waits.sort((a, b) => a - b),
      deadLetters: this.#deadLetters,
      expired: this.#expired,
      backlog: sampled(this.#depth, Math.max(this.#finished.at(-1) ?? 0, this.#depth.at(-1)?.at ?? 0)),
      invocations: this.#invocations,
      coldStarts: this.#environments,
      billed: this.#billed,
      paid: this.#paid,
      throttled: this.#throttled,
      calls: { sqs: this.#sqsCalls, s3Writes: this.#writes },
      telemetry: this.#telemetry,
    };
  }

  get #waiting(): number {
    return this.#queue.length - this.#head;
  }

  #put(message: Message): void {
    if (this.#waiting === 0) this.#backlogSince = this.#timeline.now;
    this.#queue.push(message);
    this.#noteDepth();
  }

  /** Starts invocations while there are prompts, and room for a batch. */
  #poll(): void {
    const { batchSize, maximumConcurrency } = this.#question.consumer;
    for (this.#forgetExpired(); this.#waiting > 0; ) {
      const scaled = Math.floor(
        FIRST_BATCHES + MORE_BATCHES_PER_SECOND * (this.#timeline.now - this.#backlogSince),
      );
      if (this.#running >= Math.min(maximumConcurrency, MOST_BATCHES)) return;
      if (this.#running >= scaled) {
        this.#pollSoon();
        return;
      }
      const batch = this.#queue.slice(this.#head, this.#head + batchSize);
      this.#head += batch.length;
      if (this.#head > 10_000) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      this.#noteDepth();
      this.#invoke(batch);
    }
  }

  #forgetExpired(): void {
    for (;;) {
      const oldest = this.#queue[this.#head];
      if (oldest === undefined || this.#timeline.now - oldest.queuedAt <= this.#question.retention) return;
      this.#head += 1;
      this.#kept.delete(oldest);
      this.#expired += 1;
    }
  }

  #pollSoon(): void {
    if (this.#pollIsPlanned) return;
    this.#pollIsPlanned = true;
    this.#timeline.after(1 / MORE_BATCHES_PER_SECOND, () => {
      this.#pollIsPlanned = false;
      this.#poll();
    });
  }

  #invoke(batch: readonly Message[]): void {
    const { cpuToStart } = this.#question.measured;
    this.#running += 1;
    this.#invocations += 1;
    // One receive, one delete for the whole batch.
    this.#sqsCalls += 2;
    let startsAt = this.#timeline.now;
    const warm = this.#idle.pop();
    if (warm === undefined) {
      this.#environments += 1;
      // While a function loads, it has two processors whatever its size, and the time is billed.
      startsAt += cpuToStart;
      this.#billed += cpuToStart;
    }
    const environment = warm ?? { overloaded: new Set<number>() };
    const invocation = new Invocation(this.#question, this.#timeline, environment, startsAt, this.#share);
    let open = batch.length;
    const close = (): void => {
      open -= 1;
      if (open > 0) return;
      this.#billed += this.#timeline.now - startsAt;
      this.#telemetry.durationMs.add(this.#timeline.now, 1000 * (this.#timeline.now - startsAt));
      this.#running -= 1;
      this.#idle.push(environment);
      this.#poll();
    };
    for (const message of batch) {
      message.receives += 1;
      this.#writes += 1;
      invocation.claim(() => this.#paint(message, invocation, 0, false, close));
    }
  }

  /** Asks one model of the chain after the other. */
  #paint(
    message: Message,
    invocation: Invocation,
    link: number,
    hasFailed: boolean,
    close: () => void,
  ): void {
    const model = this.#question.models[link];
    if (model === undefined || invocation.callTime < SHORTEST_CALL_SECONDS) {
      this.#giveBack(message, hasFailed, close);
      return;
    }
    invocation.withSlot(link, (free) => {
      const call = (tries: number): void => {
        if (this.#random() < model.throttle) {
          this.#throttled += 1;
          if (tries < MOST_CALLS && !invocation.environment.overloaded.has(link)) {
            const longest = (LONGEST_WAIT_MS / 1000) * 2 ** (tries - 1);
            this.#timeline.after(this.#random() * longest, () => call(tries + 1));
            return;
          }
          invocation.environment.overloaded.add(link);
          free();
          this.#paint(message, invocation, link + 1, hasFailed, close);
          return;
        }
        const latency = this.#latencyOf(model);
        const { callTime } = invocation;
        const fails = latency > callTime || this.#random() < model.failures;
        this.#timeline.after(Math.min(latency, callTime), () => {
          free();
          // The model has worked, or may have.
          this.#paid[model.id] = (this.#paid[model.id] ?? 0) + 1;
          this.#telemetry.costUsd.add(this.#timeline.now, model.pricePerImageUsd);
          if (fails) {
            this.#paint(message, invocation, link + 1, true, close);
            return;
          }
          invocation.environment.overloaded.delete(link);
          this.#writes += 2;
          invocation.store(() => {
            this.#finish(message, link);
            close();
          });
        });
      };
      call(1);
    });
  }

  #finish(message: Message, link: number): void {
    const { now } = this.#timeline;
    const wait = now - message.sentAt;
    this.#kept.delete(message);
    this.#finished.push(now);
    this.#waits.push(wait);
    this.#telemetry.images.add(now, 1);
    this.#telemetry.fallbacks.add(now, link === 0 ? 0 : 1);
    this.#telemetry.timeToImageMs.add(now, 1000 * wait);
  }

  #giveBack(message: Message, hasFailed: boolean, close: () => void): void {
    const { now } = this.#timeline;
    const { consumer, retention } = this.#question;
    const { receiveLimit } = consumer;
    this.#writes += 1;
    this.#sqsCalls += 1;
    if (hasFailed) {
      message.attempts += 1;
      this.#telemetry.failed.add(now, 1);
    }
    const isNearlyUsedUp = message.receives >= receiveLimit - 1;
    if (
      hasFailed
        ? message.receives >= receiveLimit || message.attempts >= receiveLimit
        : isNearlyUsedUp && now - message.sentAt > retention
    ) {
      this.#kept.delete(message);
      this.#deadLetters += 1;
    } else {
      const wait = backOffSeconds(message.receives, this.#random);
      // A prompt that nothing was tried for is sent anew before its receives are used up.
      if (!hasFailed && isNearlyUsedUp) {
        message.receives = 0;
        message.queuedAt = now;
        this.#kept.delete(message);
        this.#kept.add(message);
      }
      this.#timeline.after(wait, () => {
        this.#put(message);
        this.#poll();
      });
    }
    close();
  }

  #latencyOf({ latency, latencySpread }: PlannedModel): number {
    if (latencySpread === 0) return latency;
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    return latency * Math.exp(latencySpread * normal);
  }

  #sample(): void {
    const { now } = this.#timeline;
    this.#telemetry.deadLetters.add(now, this.#deadLetters);
    const [oldest] = this.#kept;
    if (oldest === undefined) return;
    this.#telemetry.oldestPrompt.add(now, now - oldest.queuedAt);
    this.#telemetry.visible.add(now, this.#waiting);
    this.#telemetry.hidden.add(now, this.#kept.size - this.#waiting);
  }

  #noteDepth(): void {
    const last = this.#depth.at(-1);
    const at = this.#timeline.now;
    if (last?.at === at) last.waiting = this.#waiting;
    else this.#depth.push({ at, waiting: this.#waiting });
  }
}

/** One batch: a processor that does one thing at a time, and slots for each model. */
class Invocation {
  readonly environment: Environment;
  readonly #question: Question;
  readonly #timeline: Timeline;
  readonly #share: number;
  readonly #endsAt: number;
  readonly #slots: number[];
  readonly #waiting: (() => void)[][];
  #busyUntil: number;

  constructor(
    question: Question,
    timeline: Timeline,
    environment: Environment,
    startsAt: number,
    share: number,
  ) {
    this.#question = question;
    this.#timeline = timeline;
    this.environment = environment;
    this.#share = share;
    this.#busyUntil = startsAt;
    this.#endsAt = startsAt + question.consumer.timeout;
    this.#slots = question.models.map(({ slots }) => slots);
    this.#waiting = question.models.map(() => []);
  }

  /** The longest that a call may take which begins now. */
  get callTime(): number {
    return Math.min(
      this.#question.consumer.modelTimeout,
      this.#endsAt - STORING_SECONDS - this.#timeline.now,
    );
  }

  /** A third of the work on a picture comes before the model is asked. */
  claim(then: () => void): void {
    this.#work(1 / 3, 1, then);
  }

  store(then: () => void): void {
    this.#work(2 / 3, 2, then);
  }

  withSlot(link: number, use: (free: () => void) => void): void {
    const queue = this.#waiting[link];
    const free = (): void => {
      const next = queue?.shift();
      if (next === undefined) this.#slots[link] = (this.#slots[link] ?? 0) + 1;
      else next();
    };
    if ((this.#slots[link] ?? 0) > 0) {
      this.#slots[link] = (this.#slots[link] ?? 0) - 1;
      use(free);
    } else queue?.push(() => use(free));
  }

  #work(part: number, writes: number, then: () => void): void {
    const { cpuPerPicture, write } = this.#question.measured;
    this.#busyUntil = Math.max(this.#busyUntil, this.#timeline.now) + (part * cpuPerPicture) / this.#share;
    this.#timeline.at(this.#busyUntil + writes * write, then);
  }
}

const SAMPLES = 100;

function sampled(
  depth: readonly { readonly at: number; readonly waiting: number }[],
  end: number,
): { at: number; waiting: number }[] {
  let index = 0;
  return Array.from({ length: SAMPLES + 1 }, (_, sample) => {
    const at = (sample / SAMPLES) * end;
    while ((depth[index + 1]?.at ?? Number.POSITIVE_INFINITY) <= at) index += 1;
    return { at, waiting: depth[index]?.waiting ?? 0 };
  });
}
