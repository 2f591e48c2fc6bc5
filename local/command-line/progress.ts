import ora from "ora";
import { makePrintable } from "../../functions/domain/printable.ts";

/** Tells the person at the keyboard what happens: on stderr, so that stdout holds only the results. */
export interface Progress {
  /** A fact that stays on the screen. */
  say(line: string): void;
  /** A result, for people and for scripts. */
  result(line: string): void;
  /** What goes on at the moment; on a terminal the next one takes its place. */
  status(text: string): void;
  stop(): void;
}

export function startProgress(): Progress {
  // Lines hold what senders and functions wrote.
  const say = (line: string): void => void process.stderr.write(`${makePrintable(line, "\n")}\n`);
  const result = (line: string): void => void process.stdout.write(`${line}\n`);
  // A pseudo-terminal without a size has 0 columns, and ora would clear infinitely many lines on it.
  if (!process.stderr.isTTY || process.stderr.columns === 0)
    return { say, result, status: say, stop: () => {} };
  // ora keeps its spinner below whatever else is written. It would swallow what is typed, Ctrl-C too.
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  return {
    say,
    result,
    status: (text) => void spinner.start(makePrintable(text)),
    stop: () => void spinner.stop(),
  };
}
