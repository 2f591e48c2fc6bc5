/**
 * Text that others wrote, made harmless for a terminal: control characters (C0, C1, DEL), line separators and marks that
 * turn the direction of text are written as JSON escapes. Line ends stay if asked for.
 * https://unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */
export function makePrintable(text: string, keep = ""): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    keep.includes(character) ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
