import { type Cause, english, type Words } from "./words-en.ts";
import { norwegian } from "./words-nb.ts";

/** The language that the browser's user prefers, of those that there are; English otherwise. */
export function wordsFor(languages: readonly string[]): Words {
  for (const tag of languages) {
    const [language = ""] = tag.toLowerCase().split("-");
    if (language === "en") return english;
    // Nynorsk and the old name of both read Bokmål.
    if (["nb", "no", "nn"].includes(language)) return norwegian;
  }
  return english;
}

export const words = wordsFor(navigator.languages);

/** What stands behind the code of a `reason`: an exception of Bedrock, or a word of the consumer. */
export function causeOf(code: string): Cause {
  return causes[code] ?? "other";
}

const causes: Readonly<Record<string, Cause>> = {
  ThrottlingException: "busy",
  ModelNotReadyException: "busy",
  ServiceQuotaExceededException: "busy",
  InternalServerException: "fault",
  ServiceUnavailableException: "fault",
  ModelErrorException: "fault",
  ModelTimeoutException: "late",
  ModelTimeout: "late",
  InferenceError: "none",
  UnreadableAnswer: "none",
  AccessDeniedException: "closed",
  ResourceNotFoundException: "closed",
  ValidationException: "invalid",
  OutOfTime: "interrupted",
  Leased: "interrupted",
};

/** `1,234`, as the language writes it. */
export function formatNumber(value: number): string {
  return new Intl.NumberFormat(words.language).format(value);
}

/** `8 s` or `2 min`. */
export function formatSeconds(seconds: number): string {
  const unit = seconds < 90 ? "second" : "minute";
  const value = Math.max(1, Math.round(unit === "second" ? seconds : seconds / 60));
  return new Intl.NumberFormat(words.language, { style: "unit", unit, unitDisplay: "short" }).format(value);
}

/** `$0.04` */
export function formatUsd(usd: number): string {
  const options = { style: "currency", currency: "USD", maximumFractionDigits: 4 } as const;
  return new Intl.NumberFormat(words.language, options).format(usd);
}
