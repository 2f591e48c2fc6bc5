import { decideRedelivery } from "../../functions/consumer/redelivery.ts";
import { SHORTEST_CALL_SECONDS, STORING_SECONDS } from "../../functions/domain/timing.ts";
import { RAMP_STEP_SECONDS, ScalingRamp } from "../../local/lambda/scaling-ramp.ts";
import { type Random, stream } from "../../local/model/painter/random.ts";
import { drawModelTime } from "../fake/model.ts";
import { type Message, PromptQueue } from "./prompt-queue.ts";
import type { PlannedModel, Question } from "./question.ts";
import { Telemetry } from "./telemetry.ts";
import { type Process, Timeline } from "./timeline.ts";

/** What came of the prompts. Times are in seconds. */
export interface Run {
  /** When each picture was stored, after the first moment; in order. */
  readonly finished: readonly number[];
  /** How long each user waited, shortest first. */
  readonly waits: readonly number[];
  readonly deadLetters: number;
  /** Prompts that SQS deleted because they were too old. */
  readonly expired: number;
  /** How many prompts waited in the queue, once for each second. */
  readonly backlog: readonly number[];
  readonly invocations: number;
  readonly coldStarts: number;
  /** Seconds that are billed, all invocations together. */
  readonly billed: number;
  /** Calls that are paid, by model. */
  readonly paid: Readonly<Record<string, number>>;
  readonly throttled: number;
  readonly sqsCalls: number;
  readonly s3Writes: number;
  readonly telemetry: Telemetry;
}

/** Lambda gives one virtual processor for each 1,769 MB. */
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
export const MB_PER_PROCESSOR = 1769;

/** Plays the question through, call by call. */
export function simulate(question: Question): Run {
  return new Simulation(question).run();
}

class Simulation {
  readonly #question: Question;
  readonly #timeline = new Timeline();
  readonly #random: Random;
  readonly #queue: PromptQueue;
  readonly #ramp: ScalingRamp;
  readonly #telemetry = new Telemetry();
  readonly #finished: number[] = [];
  readonly #waits: number[] = [];
  readonly #backlog: number[] = [];
  readonly #paid: Record<string, number> = {};
  readonly #callsByMinute: Record<string, number> = {};
  readonly #underWay: Record<string, number> = {};
  readonly #counts = {
    deadLetters: 0,
    invocations: 0,
    coldStarts: 0,
    billed: 0,
    throttled: 0,
    sqsCalls: 0,
    s3Writes: 0,
  };
  #running = 0;
  #unsent: number;
  #pollIsPlanned = false;
  #spentUsd = 0;

  constructor(question: Question) {
    this.#question = question;
    this.#unsent = question.prompts;
    this.#ramp = new ScalingRamp(question.maximumConcurrency);
    this.#queue = new PromptQueue(this.#timeline, question.retention, () =>
      this.#ramp.restart(this.#timeline.now, this.#running),
    );
    this.#random = stream(`capacity ${question.seed}`);
  }

  run(): Run {
    this.#timeline.start(this.#send());
    this.#timeline.start(this.#watch());
    this.#timeline.run();
    return {
      ...this.#counts,
      finished: this.#finished,
      waits: this.#waits.sort((a, b) => a - b),
      expired: this.#queue.expired,
      backlog: this.#backlog,
      paid: this.#paid,
      telemetry: this.#telemetry,
    };
  }

  *#send(): Process {
    const { prompts, within } = this.#question;
    const times = Array.from({ length: prompts }, () => this.#random() * within).sort((a, b) => a - b);
    for (const time of times) {
      if (time > this.#timeline.now) yield time - this.#timeline.now;
      this.#unsent -= 1;
      this.#counts.sqsCalls += 1;
      this.#queue.send();
      this.#poll();
    }
  }

  /** Starts invocations while prompts wait and one more may run. */
  #poll(): void {
    while (this.#queue.waiting > 0 && this.#running < this.#question.maximumConcurrency) {
      if (this.#running >= this.#ramp.allowedAt(this.#timeline.now)) {
        if (!this.#pollIsPlanned) this.#timeline.start(this.#pollSoon());
        return;
      }
      const message = this.#queue.receive();
      if (message !== undefined) this.#timeline.start(this.#invoke(message));
    }
  }

  *#pollSoon(): Process {
    this.#pollIsPlanned = true;
    yield RAMP_STEP_SECONDS;
    this.#pollIsPlanned = false;
    this.#poll();
  }

  /** One prompt in the function. */
  *#invoke(message: Message): Process {
    const { cpuToStart, cpuPerPicture, write, consumer } = this.#question;
    const counts = this.#counts;
    this.#running += 1;
    counts.invocations += 1;
    counts.sqsCalls += 1;
    if (this.#running > counts.coldStarts) {
      counts.coldStarts += 1;
      // While a function loads, it has two processors whatever its size, and the time is billed.
      counts.billed += cpuToStart;
      yield cpuToStart;
    }
    const startedAt = this.#timeline.now;
    const work = cpuPerPicture / Math.min(1, consumer.memoryMb / MB_PER_PROCESSOR);
    // A third of the work on a picture comes before the call of the model.
    counts.s3Writes += 1;
    yield work / 3 + write;
    const outcome = yield* this.#askModels(startedAt);
    if (outcome === "done") {
      counts.s3Writes += 2;
      yield (2 / 3) * work + 2 * write;
      this.#finish(message);
    } else {
      counts.s3Writes += 1;
      this.#timeline.start(this.#redeliver(message, outcome));
    }
    const seconds = this.#timeline.now - startedAt;
    counts.billed += seconds;
    this.#telemetry.add("durationMs", this.#timeline.now, 1000 * seconds);
    this.#running -= 1;
    this.#poll();
  }

  /** Asks one model of the chain after the other. */
  *#askModels(startedAt: number): Generator<number, "done" | "failed" | "postponed"> {
    const { models, consumer } = this.#question;
    let hasFailed = false;
    for (const [index, model] of models.entries()) {
      const left = consumer.timeoutSeconds - STORING_SECONDS - (this.#timeline.now - startedAt);
      const callTime = Math.min(consumer.modelTimeoutSeconds, left);
      if (callTime < SHORTEST_CALL_SECONDS) break;
      if (this.#isThrottled(model)) {
        this.#counts.throttled += 1;
        continue;
      }
      const latency = drawModelTime(this.#random, model.latency, model.latencySpread);
      const fails = latency > callTime || this.#random() < model.failures;
      this.#underWay[model.id] = (this.#underWay[model.id] ?? 0) + 1;
      yield Math.min(latency, callTime);
      this.#underWay[model.id] = (this.#underWay[model.id] ?? 1) - 1;
      // The model has worked, or may have.
      this.#paid[model.id] = (this.#paid[model.id] ?? 0) + 1;
      this.#spentUsd += model.pricePerImageUsd;
      if (!fails) {
        this.#telemetry.add("fallbacks", this.#timeline.now, index === 0 ? 0 : 1);
        return "done";
      }
      hasFailed = true;
    }
    return hasFailed ? "failed" : "postponed";
  }

  #isThrottled({ id, throttle, concurrency, requestsPerMinute }: PlannedModel): boolean {
    if (this.#random() < throttle) return true;
    if ((this.#underWay[id] ?? 0) >= (concurrency ?? Number.POSITIVE_INFINITY)) return true;
    const minute = `${id} ${Math.floor(this.#timeline.now / 60)}`;
    const calls = this.#callsByMinute[minute] ?? 0;
    if (calls >= (requestsPerMinute ?? Number.POSITIVE_INFINITY)) return true;
    this.#callsByMinute[minute] = calls + 1;
    return false;
  }

  #finish(message: Message): void {
    const { now } = this.#timeline;
    const wait = now - message.sentAt;
    this.#counts.sqsCalls += 1;
    this.#queue.delete(message);
    this.#finished.push(now);
    this.#waits.push(wait);
    this.#telemetry.add("images", now, 1);
    this.#telemetry.add("timeToImageMs", now, 1000 * wait);
  }

  *#redeliver(message: Message, kind: "failed" | "postponed"): Process {
    const { now } = this.#timeline;
    const { consumer, retention } = this.#question;
    this.#counts.sqsCalls += 1;
    if (kind === "failed") this.#telemetry.add("failed", now, 1);
    const redelivery = decideRedelivery(
      { kind },
      { receives: message.receives, ageMs: 1000 * (now - message.sentAt) },
      { receiveLimit: consumer.receiveLimit, giveUpAfterMs: 1000 * retention },
      this.#random,
    );
    if (redelivery.kind === "delete" || redelivery.kind === "give up") {
      this.#queue.delete(message);
      this.#counts.deadLetters += 1;
      return;
    }
    if (redelivery.kind === "re-send") this.#queue.resend(message);
    yield redelivery.seconds;
    this.#queue.show(message);
    this.#poll();
  }

  *#watch(): Process {
    for (let second = 0; this.#unsent > 0 || this.#queue.size > 0; second++) {
      this.#backlog.push(this.#queue.waiting);
      // Within the minute, as SQS does: what comes at its end belongs to the next.
      if (second % 60 === 59) this.#recordMinute();
      yield 1;
    }
    this.#recordMinute();
  }

  #recordMinute(): void {
    const { now } = this.#timeline;
    // Once a minute: the alarm on a week's spending would add up every single picture.
    this.#telemetry.add("costUsd", now, this.#spentUsd);
    this.#spentUsd = 0;
    this.#telemetry.add("deadLetters", now, this.#counts.deadLetters);
    if (this.#queue.size === 0) return;
    this.#telemetry.add("oldestPrompt", now, this.#queue.oldestAge);
    this.#telemetry.add("visible", now, this.#queue.waiting);
    this.#telemetry.add("hidden", now, this.#queue.size - this.#queue.waiting);
  }
}
