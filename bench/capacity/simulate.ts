import { decideRedelivery } from "../../functions/consumer/redelivery.ts";
import { SHORTEST_CALL_SECONDS } from "../../functions/domain/timing.ts";
import { type Random, stream } from "../../local/model/painter/random.ts";
import { Invocation } from "./invocation.ts";
import { type Message, PromptQueue } from "./prompt-queue.ts";
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

/** Lambda gives an event source five invocations at once, and 300 more for each minute of a backlog, up to 1,250. */
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
const FIRST_INVOCATIONS = 5;
const MORE_INVOCATIONS_PER_SECOND = 300 / 60;
const MOST_INVOCATIONS = 1250;

/** Plays the question through, call by call. Throws {@link QuestionError} where it makes no sense. */
export function simulate(question: Question): Run {
  checkQuestion(question);
  return new Simulation(question).run();
}

class Simulation {
  readonly #question: Question;
  readonly #timeline = new Timeline();
  readonly #random: Random;
  readonly #queue: PromptQueue;
  #running = 0;
  #environments = 0;
  #pollIsPlanned = false;
  readonly #finished: number[] = [];
  readonly #waits: number[] = [];
  readonly #paid: Record<string, number> = {};
  #deadLetters = 0;
  readonly #telemetry = new Telemetry();
  #invocations = 0;
  #billed = 0;
  #throttled = 0;
  #sqsCalls = 0;
  #writes = 0;

  constructor(question: Question) {
    this.#question = question;
    this.#queue = new PromptQueue(this.#timeline, question.retention);
    this.#random = stream(`capacity ${question.seed}`);
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
          this.#queue.send();
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
        if (at <= lastSent || this.#queue.size > 0) everyMinute(at + 60);
      });
    // Within the minute, as SQS tells: what comes at its end belongs to the next.
    everyMinute(59);
    this.#timeline.run();
    return {
      finished: this.#finished,
      waits: this.#waits.sort((a, b) => a - b),
      deadLetters: this.#deadLetters,
      expired: this.#queue.expired,
      backlog: this.#queue.backlogUntil(this.#finished.at(-1) ?? 0),
      invocations: this.#invocations,
      coldStarts: this.#environments,
      billed: this.#billed,
      paid: this.#paid,
      throttled: this.#throttled,
      calls: { sqs: this.#sqsCalls, s3Writes: this.#writes },
      telemetry: this.#telemetry,
    };
  }

  /** Starts invocations while there are prompts, and room for one more. */
  #poll(): void {
    const { maximumConcurrency } = this.#question.consumer;
    while (this.#queue.waiting > 0) {
      const scaled = Math.floor(
        FIRST_INVOCATIONS + MORE_INVOCATIONS_PER_SECOND * (this.#timeline.now - this.#queue.backlogSince),
      );
      if (this.#running >= Math.min(maximumConcurrency, MOST_INVOCATIONS)) return;
      if (this.#running >= scaled) {
        this.#pollSoon();
        return;
      }
      const message = this.#queue.receive();
      if (message !== undefined) this.#invoke(message);
    }
  }

  #pollSoon(): void {
    if (this.#pollIsPlanned) return;
    this.#pollIsPlanned = true;
    this.#timeline.after(1 / MORE_INVOCATIONS_PER_SECOND, () => {
      this.#pollIsPlanned = false;
      this.#poll();
    });
  }

  #invoke(message: Message): void {
    const { cpuToStart } = this.#question.measured;
    this.#running += 1;
    this.#invocations += 1;
    this.#writes += 1;
    // One receive, one delete.
    this.#sqsCalls += 2;
    let startsAt = this.#timeline.now;
    if (this.#running > this.#environments) {
      this.#environments += 1;
      // While a function loads, it has two processors whatever its size, and the time is billed.
      startsAt += cpuToStart;
      this.#billed += cpuToStart;
    }
    const invocation = new Invocation(this.#question, this.#timeline, startsAt);
    const close = (): void => {
      this.#billed += invocation.seconds;
      this.#telemetry.durationMs.add(this.#timeline.now, 1000 * invocation.seconds);
      this.#running -= 1;
      this.#poll();
    };
    message.receives += 1;
    invocation.claim(() => this.#paint(message, invocation, 0, false, close));
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
    const { callTime } = invocation;
    if (model === undefined || callTime < SHORTEST_CALL_SECONDS) {
      this.#giveBack(message, hasFailed, close);
      return;
    }
    if (this.#random() < model.throttle) {
      this.#throttled += 1;
      this.#paint(message, invocation, link + 1, hasFailed, close);
      return;
    }
    const latency = this.#latencyOf(model);
    const fails = latency > callTime || this.#random() < model.failures;
    this.#timeline.after(Math.min(latency, callTime), () => {
      // The model has worked, or may have.
      this.#paid[model.id] = (this.#paid[model.id] ?? 0) + 1;
      this.#telemetry.costUsd.add(this.#timeline.now, model.pricePerImageUsd);
      if (fails) {
        this.#paint(message, invocation, link + 1, true, close);
        return;
      }
      this.#writes += 2;
      invocation.store(() => {
        this.#finish(message, link);
        close();
      });
    });
  }

  #finish(message: Message, link: number): void {
    const { now } = this.#timeline;
    const wait = now - message.sentAt;
    this.#queue.delete(message);
    this.#finished.push(now);
    this.#waits.push(wait);
    this.#telemetry.images.add(now, 1);
    this.#telemetry.fallbacks.add(now, link === 0 ? 0 : 1);
    this.#telemetry.timeToImageMs.add(now, 1000 * wait);
  }

  #giveBack(message: Message, hasFailed: boolean, close: () => void): void {
    const { now } = this.#timeline;
    const { consumer, retention } = this.#question;
    this.#writes += 1;
    this.#sqsCalls += 1;
    if (hasFailed) {
      this.#telemetry.failed.add(now, 1);
    }
    const redelivery = decideRedelivery(
      { kind: hasFailed ? "failed" : "postponed" },
      { receives: message.receives, ageMs: 1000 * (now - message.sentAt) },
      { receiveLimit: consumer.receiveLimit, giveUpAfterMs: 1000 * retention },
      this.#random,
    );
    if (redelivery.kind === "wait" || redelivery.kind === "re-send") {
      if (redelivery.kind === "re-send") this.#queue.resend(message);
      this.#timeline.after(redelivery.seconds, () => {
        this.#queue.show(message);
        this.#poll();
      });
    } else {
      this.#queue.delete(message);
      this.#deadLetters += 1;
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
    if (this.#queue.size === 0) return;
    this.#telemetry.oldestPrompt.add(now, this.#queue.oldestAge);
    this.#telemetry.visible.add(now, this.#queue.waiting);
    this.#telemetry.hidden.add(now, this.#queue.size - this.#queue.waiting);
  }
}
