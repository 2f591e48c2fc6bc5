import { makePrintable } from "../functions/domain/printable.ts";
import { ClientError, EXIT } from "./exit.ts";
import { systemReason } from "./files.ts";

// A failed write also comes as an event, which ends the process if there is no listener. The writer gets the error too.
// When standard error itself fails, there is no place left to report it.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

/**
 * Writes to standard output as it is. Where nobody reads any more, as behind `head`, what is written goes nowhere and the work
 * goes on. Throws a {@link ClientError} where it cannot be written otherwise.
 */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error || ("code" in error && error.code === "EPIPE")) resolve();
      else {
        reject(new ClientError(`Cannot write to standard output: ${systemReason(error)}.`, EXIT.failed));
      }
    });
  });
}

/** One line on standard output. */
export function print(...cells: readonly (string | number)[]): Promise<void> {
  return write(`${makePrintable(cells.join("  "))}\n`);
}

/** One JSON object, on one line unless it is for people to read. */
export function printJson(value: object, { indent = 0 } = {}): Promise<void> {
  return write(`${makePrintable(JSON.stringify(value, undefined, indent), "\n")}\n`);
}

/** A remark, on standard error: standard output holds the results alone. */
export function remark(text: string): void {
  process.stderr.write(`${makePrintable(text, "\n")}\n`);
}
