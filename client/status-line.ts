import ora from "ora";

/** What goes on at the moment: on standard error, and only on a terminal. */
export interface StatusLine {
  show(text: string): void;
  stop(): void;
}

const BAR_WIDTH = 30;
/** How often a number that changes all the time is drawn, in milliseconds. */
const DRAW_EVERY_MS = 100;

export function startStatusLine(): StatusLine {
  if (!process.stderr.isTTY) return { show: () => {}, stop: () => {} };
  // Ctrl-C is for the commands to handle; ora would swallow what is typed.
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  return { show: (text) => void spinner.start(text), stop: () => void spinner.stop() };
}

/** How far a count is on its way to a total, if that is known, and how fast. */
export class ProgressBar {
  readonly #line = startStatusLine();
  readonly #total: number | undefined;
  readonly #startedAt = performance.now();
  #drawnAt = 0;

  constructor(total: number | undefined) {
    this.#total = total;
  }

  show(done: number): void {
    const now = performance.now();
    if (now - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = now;
    const speed = `${count((done * 1000) / (now - this.#startedAt))}/s`;
    this.#line.show(
      this.#total === undefined
        ? `${count(done)} sent, ${speed}`
        : `${bar(done / this.#total)} ${count(done)} of ${count(this.#total)}, ${speed}`,
    );
  }

  stop(): void {
    this.#line.stop();
  }
}

function count(number: number): string {
  return Math.round(number).toLocaleString("en");
}

function bar(fraction: number): string {
  const full = Math.round(fraction * BAR_WIDTH);
  const percent = Math.floor(fraction * 100);
  return `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${percent} %`;
}
