/** One line on standard output. */
export function print(...cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.join("  ")}\n`);
}

/** One JSON object on one line, for scripts. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** A remark, on standard error: standard output holds the results alone. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}
