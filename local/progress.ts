import ora from "ora";

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
  if (!process.stderr.isTTY) {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    return { say, status: say, result: (line) => void process.stdout.write(`${line}\n`), stop: () => {} };
  }
  // Ctrl-C is for the caller to handle; ora would swallow what is typed.
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  const above = (write: () => void): void => {
    const spinning = spinner.isSpinning;
    if (spinning) spinner.stop();
    write();
    if (spinning) spinner.start();
  };
  return {
    say: (line) => above(() => process.stderr.write(`${line}\n`)),
    result: (line) => above(() => process.stdout.write(`${line}\n`)),
    status: (text) => void spinner.start(text),
    stop: () => void spinner.stop(),
  };
}
