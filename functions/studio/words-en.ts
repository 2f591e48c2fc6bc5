import type { Trouble } from "./api.ts";

/** All that the page says, in one language. */
export interface Words {
  readonly language: string;
  readonly tagline: string;
  readonly promptLabel: string;
  readonly promptPlaceholder: string;
  readonly hint: string;
  readonly paint: string;
  readonly more: string;
  readonly ratio: string;
  readonly ratioNames: { readonly square: string; readonly wide: string; readonly tall: string };
  readonly format: string;
  readonly seed: string;
  readonly seedHint: string;
  readonly negativePrompt: string;
  readonly negativePromptHint: string;
  readonly tooLong: (length: string, most: string) => string;
  readonly badSeed: (most: string) => string;
  readonly empty: string;
  readonly examples: readonly string[];
  readonly gallery: string;
  readonly next: string;
  readonly queued: (position: number | undefined) => string;
  readonly wait: (time: string) => string;
  readonly generating: string;
  readonly tryingAgain: (why: string) => string;
  readonly sending: string;
  readonly rejected: string;
  readonly filtered: string;
  readonly failed: (why: string) => string;
  readonly cancelled: string;
  readonly expired: string;
  readonly cause: Readonly<Record<Cause, string>>;
  readonly trouble: Readonly<Record<Exclude<Trouble["kind"], "refused">, string>>;
  readonly refused: string;
  readonly keptToSend: string;
  readonly keyTaken: string;
  readonly ready: (prompt: string) => string;
  readonly accepted: (prompt: string) => string;
  readonly again: string;
  readonly change: string;
  readonly repeat: string;
  readonly discard: string;
  readonly cancel: string;
  readonly remove: string;
  readonly confirmRemove: string;
  readonly removed: string;
  readonly tooLate: string;
  readonly loading: string;
  readonly older: string;
  readonly download: string;
  readonly copyLink: string;
  readonly copied: string;
  readonly notCopied: string;
  readonly close: string;
  readonly tryNow: string;
  readonly newLink: string;
  readonly noPicture: string;
  readonly cost: string;
  readonly took: string;
  readonly madeBy: string;
  readonly machine: string;
  readonly logInTitle: string;
  readonly logIn: string;
  readonly logOut: string;
  readonly loginFailed: string;
  readonly loginUnavailable: string;
  readonly description: string;
}

/** What a `reason` comes down to for somebody who waits for a picture. */
export type Cause = "busy" | "fault" | "late" | "none" | "closed" | "invalid" | "interrupted" | "other";

/** English. */
export const english: Words = {
  language: "en",
  tagline: "Travel by picture",
  promptLabel: "Where do you want to be?",
  promptPlaceholder: "Me on top of K2",
  hint: "Enter paints, Shift and Enter begins a new line",
  paint: "Paint",
  more: "More",
  ratio: "Shape",
  ratioNames: { square: "square", wide: "wide", tall: "tall" },
  format: "File format",
  seed: "Seed",
  seedHint: "A whole number. The same words with the same seed give the same picture.",
  negativePrompt: "Leave out",
  negativePromptHint: "What must not be in the picture",
  tooLong: (length, most) => `${length} characters. At most ${most} are possible: shorten the text.`,
  badSeed: (most) => `The seed must be a whole number from 0 to ${most}.`,
  empty: "Nothing here yet. Type a place, or begin with one of these:",
  examples: ["A fjord at night", "Me on top of K2", "A lighthouse in a storm"],
  gallery: "Pictures",
  next: "Next in the queue",
  queued: (position) => `Waiting in the queue${position === undefined ? "" : `, place ${position}`}`,
  wait: (time) => `ready in about ${time}`,
  generating: "Being painted",
  tryingAgain: (why) => `Trying again: ${why}`,
  sending: "Sending",
  rejected: "The request was not valid, so nothing was painted.",
  filtered: "The content filter blocked this. Other words may do.",
  failed: (why) => `This could not be painted: ${why}`,
  cancelled: "Cancelled. Nothing was painted or paid for.",
  expired: "Too late: its deadline passed before it was painted.",
  cause: {
    busy: "the model is busy",
    fault: "the model has a fault",
    late: "the model took too long",
    none: "the model gave no picture",
    closed: "the model cannot be used at the moment",
    invalid: "the model refused the request",
    interrupted: "the painting was interrupted",
    other: "something went wrong",
  },
  trouble: {
    offline: "There is no connection. The page goes on by itself when it is back.",
    "logged-out": "Your login has expired.",
    busy: "Too many requests at the moment. The page tries again by itself.",
    unavailable: "The service does not answer. The page tries again by itself.",
  },
  refused: "This was not accepted.",
  keptToSend: "Not sent yet.",
  keyTaken: "This was sent before with other words. Paint it again.",
  ready: (prompt) => `The picture is ready: ${prompt}`,
  accepted: (prompt) => `Waiting for the picture: ${prompt}`,
  again: "Again with this seed",
  change: "Change the prompt",
  repeat: "Try again",
  discard: "Discard",
  cancel: "Cancel",
  remove: "Delete",
  confirmRemove: "Delete the prompt and the picture for good?",
  removed: "Deleted.",
  tooLate: "It is being painted or is done: it cannot be stopped.",
  loading: "Loading",
  older: "Older pictures",
  download: "Download",
  copyLink: "Copy link",
  copied: "Link copied. Anybody who has it can open the picture for 15 minutes.",
  notCopied: "The browser did not allow the page to copy the link.",
  close: "Close",
  tryNow: "Try now",
  newLink: "Getting a new link",
  noPicture: "The picture cannot be loaded.",
  cost: "Cost",
  took: "Time",
  madeBy: "Model",
  machine: "A machine paints these pictures, and each file says so. None is a photograph.",
  logInTitle: "Log in to paint and to see your pictures.",
  logIn: "Log in",
  logOut: "Log out",
  loginFailed: "The login did not work. Try again.",
  loginUnavailable: "The login service does not answer. Load the page again in a minute.",
  description: "Prompt",
};
