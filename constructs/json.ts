/**
 * JSON for an attribute that refers to resources. The line break makes `cdktf synth --hcl` write it as a heredoc: in a
 * string of one line that has a reference it does not escape the quotes.
 */
export function jsonOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
