/** Something that goes on in time: it yields how many seconds pass until its next step. */
export type Process = Generator<number, void>;

interface Step {
  readonly at: number;
  readonly process: Process;
}

/** A clock that jumps from one step to the next. Times are in seconds. */
export class Timeline {
  // The next step last; of two at the same time, the one that was planned first comes first.
  readonly #steps: Step[] = [];
  now = 0;

  /** Runs a process up to its first pause now, and the rest in its time. */
  start(process: Process): void {
    const { done, value } = process.next();
    if (done) return;
    const at = this.now + value;
    let [low, high] = [0, this.#steps.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#steps[middle]?.at ?? at) > at) low = middle + 1;
      else high = middle;
    }
    this.#steps.splice(low, 0, { at, process });
  }

  /** Runs until nothing is planned any more. */
  run(): void {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      this.now = step.at;
      this.start(step.process);
    }
  }
}
