import type { Timeline } from "./timeline.ts";

/** A copy of a prompt on the queue. */
export interface Message {
  readonly sentAt: number;
  /** When this copy was put on the queue: SQS knows no other age. */
  queuedAt: number;
  receives: number;
}

/** The queue of prompts, on a timeline. Times are in seconds. */
export class PromptQueue {
  readonly #timeline: Timeline;
  readonly #retention: number;
  readonly #onBacklog: () => void;
  // First in, first out, without moving the rest of a long queue with each one that leaves.
  #visible: Message[] = [];
  #head = 0;
  // All messages, visible or not; the oldest copy first.
  readonly #kept = new Set<Message>();
  /** Prompts that SQS deleted because they were too old. */
  expired = 0;

  /**
   * @param retention how long a copy is kept
   * @param onBacklog told of the first prompt that waits, after none did
   */
  constructor(timeline: Timeline, retention: number, onBacklog: () => void) {
    this.#timeline = timeline;
    this.#retention = retention;
    this.#onBacklog = onBacklog;
  }

  /** The number of visible messages. */
  get waiting(): number {
    return this.#visible.length - this.#head;
  }

  /** The number of all messages. */
  get size(): number {
    return this.#kept.size;
  }

  /** The age of the oldest copy. */
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
    if (this.waiting === 0) this.#onBacklog();
    this.#visible.push(message);
  }

  /** Takes the first visible message, and deletes those that are too old. */
  receive(): Message | undefined {
    for (;;) {
      const first = this.#visible[this.#head];
      if (first === undefined) return undefined;
      this.#head += 1;
      if (this.#head > 10_000) {
        this.#visible = this.#visible.slice(this.#head);
        this.#head = 0;
      }
      if (this.#timeline.now - first.queuedAt <= this.#retention) {
        first.receives += 1;
        return first;
      }
      this.#kept.delete(first);
      this.expired += 1;
    }
  }

  delete(message: Message): void {
    this.#kept.delete(message);
  }

  /** Puts a fresh copy in the place of a message; it is not visible yet. */
  resend(message: Message): void {
    this.#kept.delete(message);
    message.receives = 0;
    message.queuedAt = this.#timeline.now;
    this.#kept.add(message);
  }
}
