import * as pty from "@lydell/node-pty";
import { clientBinary, temporaryFolder } from "./client.ts";

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string>>;
  /** What is typed as soon as the question is shown. */
  readonly answer?: { readonly question: string; readonly keys: string };
}

/** Runs the bundled client in a terminal of its own, and gives what that showed and the exit code. */
export function runClientInTerminal(
  args: readonly string[],
  { env, answer }: TerminalOptions,
): Promise<{ readonly code: number; readonly shown: string }> {
  const terminal = pty.spawn(process.execPath, [clientBinary(), ...args], {
    cwd: temporaryFolder(),
    env: { ...env },
  });
  let shown = "";
  terminal.onData((text) => {
    const asked = answer !== undefined && shown.includes(answer.question);
    shown += text;
    if (answer !== undefined && !asked && shown.includes(answer.question)) terminal.write(answer.keys);
  });
  return new Promise((resolve) => terminal.onExit(({ exitCode: code }) => resolve({ code, shown })));
}
