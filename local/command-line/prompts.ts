import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { escapeUnsendable } from "../../functions/domain/message-body.ts";
import { parseRequest } from "../../functions/domain/request.ts";
import { systemErrorReason, UserError } from "../user-error.ts";
import type { Arguments } from "./arguments.ts";

/** One prompt on its way to the queue. */
export interface Job {
  /** What is sent. */
  readonly body: string;
  /** Id of the record to follow; undefined when only the queue's message id will do. */
  readonly requestId: string | undefined;
  /** Beginning of the picture's file name. */
  readonly name: string;
}

const SLUG_LENGTH = 48;

/** The prompts that the command line asks for, each with an id to follow it by. */
export async function readJobs({ prompts, file, wishes }: Arguments): Promise<Job[]> {
  if (file === undefined) return prompts.map((prompt) => toJob({ ...wishes, prompt }));
  const lines = (await readPromptFile(file)).split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) {
    throw new UserError(`${file} has no prompts. Write one a line: plain text, or JSON as on the queue.`);
  }
  return lines.map((line) => {
    const request = asObject(line);
    if (request !== undefined) return toJob({ ...wishes, ...request });
    // What only looks like JSON goes out as it is: the consumer says what is wrong with it.
    if (line.trimStart().startsWith("{"))
      return { body: escapeUnsendable(line), requestId: undefined, name: "" };
    return toJob({ ...wishes, prompt: line });
  });
}

function toJob(request: Readonly<Record<string, unknown>>): Job {
  const body = escapeUnsendable(JSON.stringify({ requestId: randomUUID(), ...request }));
  const parsed = parseRequest(body);
  return {
    body,
    requestId: parsed.ok ? parsed.request.requestId : parsed.requestId,
    name: parsed.ok ? slug(parsed.request.prompt) : "",
  };
}

async function readPromptFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UserError(
      `Cannot read ${file} (${systemErrorReason(error)}). Name a text file with --file <path>.`,
    );
  }
}

function asObject(line: string): Record<string, unknown> | undefined {
  if (!line.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function slug(prompt: string): string {
  const words = prompt
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-");
  return words.slice(0, SLUG_LENGTH).replaceAll(/^-+|-+$/g, "");
}
