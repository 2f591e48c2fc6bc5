import { STORING_SECONDS } from "../../functions/domain/timing.ts";
import type { Question } from "./question.ts";
import type { Timeline } from "./timeline.ts";

/** Lambda gives a function one virtual processor for each 1,769 MB. */
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
export const MB_PER_PROCESSOR = 1769;

/** One prompt in the function, with its share of a processor. */
export class Invocation {
  readonly #question: Question;
  readonly #timeline: Timeline;
  readonly #share: number;
  readonly #startsAt: number;

  constructor(question: Question, timeline: Timeline, startsAt: number) {
    this.#question = question;
    this.#timeline = timeline;
    this.#share = Math.min(1, question.consumer.memoryMb / MB_PER_PROCESSOR);
    this.#startsAt = startsAt;
  }

  /** How long it has run, in seconds. */
  get seconds(): number {
    return this.#timeline.now - this.#startsAt;
  }

  /** The longest that a call may take which begins now. */
  get callTime(): number {
    const { modelTimeout, timeout } = this.#question.consumer;
    return Math.min(modelTimeout, timeout - STORING_SECONDS - this.seconds);
  }

  /** A third of the work on a picture comes before the model is asked. */
  claim(then: () => void): void {
    this.#work(1 / 3, 1, then);
  }

  store(then: () => void): void {
    this.#work(2 / 3, 2, then);
  }

  #work(part: number, writes: number, then: () => void): void {
    const { cpuPerPicture, write } = this.#question.measured;
    const startsAt = Math.max(this.#startsAt, this.#timeline.now);
    this.#timeline.at(startsAt + (part * cpuPerPicture) / this.#share + writes * write, then);
  }
}
