import { type Command, InvalidArgumentError } from "commander";

export interface JsonOption {
  readonly json?: true;
}

/** For scripts. */
export function addJsonOption(command: Command): Command {
  return command.option("--json", "print JSON, one object a line");
}

/** How long and where to, for the commands that follow a request. */
export function addFollowOptions(command: Command): Command {
  return command
    .option("--output <path>", "folder (made where it is missing) or file for the picture", ".")
    .option("--timeout <seconds>", "give up waiting after this long", wholeNumber(1, 86_400), 600);
}

/** A parser for whole numbers within limits. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** SQS's rule for message groups: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
export function groupName(text: string): string {
  if (/^[!-~]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError("Give 1 to 128 letters, digits and punctuation marks, without spaces.");
}
