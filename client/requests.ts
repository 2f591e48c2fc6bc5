import { type FileHandle, open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { TextDecoder } from "node:util";
import {
  describeProblems,
  type PromptRequest,
  type PromptRequestInput,
  validateRequest,
} from "../functions/domain/request.ts";
import { interrupted, usageError } from "./exit.ts";
import { systemReason } from "./files.ts";

/** Goes into every request that does not say otherwise itself. */
export type Wishes = Omit<PromptRequestInput, "prompt" | "requestId">;

/** Requests on their way in. */
export interface Source {
  /** How many there are; undefined where only reading to the end can tell. */
  readonly total: number | undefined;
  /** Throws a usage error that names the place of what is no request. */
  readonly requests: AsyncIterable<PromptRequest> | Iterable<PromptRequest>;
}

type Line =
  | { readonly ok: true; readonly request: PromptRequest }
  /** `problem` names the place and the fix. */
  | { readonly ok: false; readonly problem: string };

/** Wrong lines of a file that are reported at once. */
const MOST_PROBLEMS = 10;

/** Prompts from the command line. */
export function fromArguments(prompts: readonly string[], wishes: Wishes): Source {
  const requests = prompts.map((prompt, index) => {
    const parsed = validateRequest({ ...wishes, prompt });
    if (parsed.ok) return parsed.request;
    throw usageError(`Prompt ${index + 1}: ${describeProblems(parsed.problems)}.`);
  });
  return { total: requests.length, requests };
}

/** Prompts from standard input, one a line. They are sent as they come. */
export function fromStandardInput(wishes: Wishes): Source {
  const stdin = () => createInterface({ input: process.stdin.setEncoding("latin1"), signal: interrupted });
  return { total: undefined, requests: good(readLines(stdin, "standard input", wishes)) };
}

/**
 * Prompts from a file, one a line. A regular file is checked to its end before the first prompt goes out; a pipe can
 * be read only once.
 */
export async function fromFile(path: string, wishes: Wishes): Promise<Source> {
  const file = await openFile(path);
  const stats = await file.stat();
  if (stats.isDirectory()) throw usageError(`${path} is a folder. Name a text file with --file.`);
  const read = (handle: FileHandle): AsyncGenerator<Line> =>
    readLines(() => handle.readLines({ encoding: "latin1" }), path, wishes);
  if (!stats.isFile()) return { total: undefined, requests: good(read(file)) };
  const total = await countGood(read(file), path);
  return { total, requests: good(read(await openFile(path))) };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    throw usageError(`Cannot read ${path}: ${systemReason(error)}. Name a text file with --file.`);
  }
}

/**
 * @param open gives each byte as one character (`latin1`), so that a line that is not UTF-8 can be told by its number.
 * It is called when the first line is wanted: readline loses the lines that come before somebody iterates over it.
 * https://nodejs.org/docs/latest-v22.x/api/readline.html#rlsymbolasynciterator
 */
async function* readLines(
  open: () => AsyncIterable<string>,
  name: string,
  wishes: Wishes,
): AsyncGenerator<Line> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  let number = 0;
  for await (const bytes of open()) {
    number += 1;
    if (bytes.trim() === "") continue;
    const result = readLine(bytes, utf8, wishes);
    yield typeof result === "string" ? { ok: false, problem: `${name}, line ${number}: ${result}` } : result;
  }
  // An interrupted readline ends like one that has read all.
  interrupted.throwIfAborted();
}

/** The request, or what is wrong and the fix. */
function readLine(bytes: string, utf8: TextDecoder, wishes: Wishes): Line | string {
  let text: string;
  try {
    text = utf8.decode(Buffer.from(bytes, "latin1"));
  } catch {
    return "not UTF-8. Save the text as UTF-8, for example with iconv -t UTF-8.";
  }
  let fields: object = { prompt: text };
  if (text.trimStart().startsWith("{")) {
    try {
      fields = JSON.parse(text);
    } catch {
      return "starts with { but is not valid JSON.";
    }
  }
  const parsed = validateRequest({ ...wishes, ...fields });
  return parsed.ok ? parsed : `${describeProblems(parsed.problems)}.`;
}

async function* good(lines: AsyncIterable<Line>): AsyncGenerator<PromptRequest> {
  for await (const line of lines) {
    if (!line.ok) throw usageError(line.problem);
    yield line.request;
  }
}

/** How many requests there are. Throws a usage error with a line for each that is none. */
async function countGood(lines: AsyncIterable<Line>, name: string): Promise<number> {
  let total = 0;
  const problems: string[] = [];
  for await (const line of lines) {
    if (line.ok) total += 1;
    else if (problems.push(line.problem) === MOST_PROBLEMS) break;
  }
  if (problems.length > 0) throw usageError(problems.join("\n"));
  if (total === 0) throw usageError(`${name} is empty. Write one prompt a line: plain text or JSON.`);
  return total;
}
