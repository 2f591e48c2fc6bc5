import type { Timeline } from "./timeline.ts";

/** A copy of a prompt on the queue. */
export interface Message {
  readonly sentAt: number;
  /** When this copy of it was put on the queue: the queue knows no other age. */
  queuedAt: number;
  receives: number;
}

/** How many prompts waited at a moment, in seconds. */
interface Depth {
  readonly at: number;
  waiting: number;
}

const SAMPLES = 100;

/** The queue of prompts, on a timeline. Times are in seconds. */
export class PromptQueue {
  readonly #timeline: Timeline;
  readonly #retention: number;
  // First in, first out, without moving the rest of a long queue with each one that leaves.
  #visible: Message[] = [];
  #head = 0;
  // All that the queue has, whether or not it can be seen; the copy that has been there longest first.
  readonly #kept = new Set<Message>();
  readonly #depth: Depth[] = [];
  #backlogSince = 0;
  #expired = 0;

  /** @param retention how long a copy is kept */
  constructor(timeline: Timeline, retention: number) {
    this.#timeline = timeline;
    this.#retention = retention;
  }

  /** How many can be seen. */
  get waiting(): number {
    return this.#visible.length - this.#head;
  }

  /** How many there are, whether or not they can be seen. */
  get size(): number {
    return this.#kept.size;
  }

  /** How many were too old before anybody was done with them. */
  get expired(): number {
    return this.#expired;
  }

  /** Since when prompts have been waiting without a break. */
  get backlogSince(): number {
    return this.#backlogSince;
  }

  /** The age of the copy that has been there longest. */
  get oldestAge(): number {
    const [oldest] = this.#kept;
    return oldest === undefined ? 0 : this.#timeline.now - oldest.queuedAt;
  }

  send(): void {
    const { now } = this.#timeline;
    const message = { sentAt: now, queuedAt: now, receives: 0 };
    this.#kept.add(message);
    this.show(message);
  }

  /** Makes a message visible. */
  show(message: Message): void {
    if (this.waiting === 0) this.#backlogSince = this.#timeline.now;
    this.#visible.push(message);
    this.#noteDepth();
  }

  /** Gives out the first of those that are visible. Those that are too old are gone. */
  receive(): Message | undefined {
    this.#forgetExpired();
    const first = this.#visible[this.#head];
    if (first !== undefined) this.#head += 1;
    if (this.#head > 10_000) {
      this.#visible = this.#visible.slice(this.#head);
      this.#head = 0;
    }
    this.#noteDepth();
    return first;
  }

  delete(message: Message): void {
    this.#kept.delete(message);
  }

  /** Puts a fresh copy in the place of a message; it cannot be seen yet. */
  resend(message: Message): void {
    this.#kept.delete(message);
    message.receives = 0;
    message.queuedAt = this.#timeline.now;
    this.#kept.add(message);
  }

  /** How many waited, once for each of a hundred moments from the start to the end. */
  backlogUntil(end: number): { readonly at: number; readonly waiting: number }[] {
    const last = Math.max(end, this.#depth.at(-1)?.at ?? 0);
    let index = 0;
    return Array.from({ length: SAMPLES + 1 }, (_, sample) => {
      const at = (sample / SAMPLES) * last;
      while ((this.#depth[index + 1]?.at ?? Number.POSITIVE_INFINITY) <= at) index += 1;
      return { at, waiting: this.#depth[index]?.waiting ?? 0 };
    });
  }

  #forgetExpired(): void {
    for (;;) {
      const oldest = this.#visible[this.#head];
      if (oldest === undefined || this.#timeline.now - oldest.queuedAt <= this.#retention) return;
      this.#head += 1;
      this.#kept.delete(oldest);
      this.#expired += 1;
    }
  }

  #noteDepth(): void {
    const last = this.#depth.at(-1);
    const at = this.#timeline.now;
    if (last?.at === at) last.waiting = this.waiting;
    else this.#depth.push({ at, waiting: this.waiting });
  }
}
