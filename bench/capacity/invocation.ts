import { STORING_SECONDS } from "../../functions/domain/timing.ts";
import type { Question } from "./question.ts";
import type { Timeline } from "./timeline.ts";

/** Lambda gives a function one virtual processor for each 1,769 MB. */
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
export const MB_PER_PROCESSOR = 1769;

/** What an execution environment of the function remembers from one batch to the next. */
export interface Environment {
  /** The links of the chain that took nothing the last time: they are called once, until they paint. */
  readonly overloaded: Set<number>;
}

/** One batch: a processor that does one thing at a time, and slots for each model. */
export class Invocation {
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
