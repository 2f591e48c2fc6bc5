/**
 * JSON for an attribute that refers to resources. On several lines, because `cdktf synth --hcl` writes those as a
 * heredoc; in a string of one line with a reference it does not escape the quotes.
 */
export function jsonOf(value: object): string {
  return JSON.stringify(value, undefined, 1);
}
