import { makePrintable } from "../functions/domain/printable.ts";

/** What goes on at the moment: on standard error, and only on a terminal. */
export interface StatusLine {
  show(text: string): void;
  /** Clears the line. */
  stop(): void;
}

const BAR_WIDTH = 30;
/** How often a number that changes all the time is drawn, in milliseconds. */
const DRAW_EVERY_MS = 100;

const CLEAR_LINE = "\r\u001b[2K";
/** Where the terminal does not know how wide it is: some containers' say 0. */
const USUAL_COLUMNS = 80;

export function startStatusLine(): StatusLine {
  const { stderr } = process;
  if (!stderr.isTTY) return { show: () => {}, stop: () => {} };
  return {
    // A line that wraps could not be cleared any more.
    show: (text) =>
      stderr.write(`${CLEAR_LINE}${makePrintable(text).slice(0, (stderr.columns || USUAL_COLUMNS) - 1)}`),
    stop: () => stderr.write(CLEAR_LINE),
  };
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
