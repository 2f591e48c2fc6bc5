import { setTimeout } from "node:timers/promises";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { messageBody } from "../functions/domain/message-body.ts";
import { describeProblems, validateRequest } from "../functions/domain/request.ts";
import type { DeadLetter, DeadLetterQueue } from "./dead-letters.ts";
import { interrupted, usageError } from "./exit.ts";
import type { Pipeline } from "./pipeline.ts";
import { derivedId } from "./request-ids.ts";

export interface RedriveOptions {
  /** Request or message ids; undefined for all. */
  readonly ids: ReadonlySet<string> | undefined;
  /** Painted instead of what stands in the message. */
  readonly prompt: string | undefined;
  /** Messages a second. */
  readonly rate: number;
  readonly dryRun: boolean;
}

/** A message that went back, or in a dry run would have. */
export interface Redriven {
  readonly letter: DeadLetter;
  /** Differs from the letter's where the prompt was edited. */
  readonly requestId: string;
}

/** Time for the ten messages of a receive beside the pauses between them, in seconds. */
const HANDLING_SECONDS = 15;

/**
 * Moves dead letters back to the queue of prompts. Each is first sent and then removed, so that wherever it is stopped
 * a message is in one of the queues or in both, under one request id: the ledger paints it once.
 */
export async function* redrive(
  pipeline: Pipeline,
  queue: DeadLetterQueue,
  { ids, prompt, rate, dryRun }: RedriveOptions,
): AsyncGenerator<Redriven> {
  let nextAt = 0;
  for await (const letter of queue.take(HANDLING_SECONDS + Math.ceil(10 / rate))) {
    if (ids !== undefined && !ids.has(letter.requestId) && !ids.has(letter.messageId)) continue;
    const copy = prompt === undefined ? sameRequest(letter) : editedRequest(letter, prompt);
    if (!dryRun) {
      await setTimeout(Math.max(0, nextAt - Date.now()), undefined, { signal: interrupted });
      nextAt = Math.max(nextAt, Date.now()) + 1000 / rate;
      await sendCopy(pipeline, letter, copy.body);
      await queue.remove(letter);
    }
    yield { letter, requestId: copy.requestId };
  }
}

interface Copy {
  readonly requestId: string;
  readonly body: string;
}

/**
 * A copy has a message id of its own: where that was the request's id, the body now has to say it. How old the prompt is
 * is left out: a redrive restarts its time.
 */
function sameRequest({ parsed, requestId, body }: DeadLetter): Copy {
  if (!parsed.ok) return { requestId, body };
  if (parsed.request.requestId !== undefined && parsed.firstSentMs === undefined) return { requestId, body };
  return { requestId, body: messageBody({ ...parsed.request, count: parsed.count, requestId }) };
}

/**
 * An edited prompt is another request, with an id of its own: the record under the old one keeps what was asked there,
 * and goes on painting that. The same edit has the same id again, for when it is stopped and repeated.
 */
function editedRequest({ parsed, requestId }: DeadLetter, prompt: string): Copy {
  const edited = validateRequest({ ...(parsed.ok && parsed.request), requestId, prompt });
  if (!edited.ok) throw usageError(`--prompt: ${describeProblems(edited.problems)}.`);
  const newId = derivedId(requestId, edited.request);
  return { requestId: newId, body: messageBody({ ...edited.request, requestId: newId }) };
}

async function sendCopy(pipeline: Pipeline, { message }: DeadLetter, body: string): Promise<void> {
  const group = message.Attributes?.MessageGroupId;
  await pipeline.sqs.send(
    new SendMessageCommand({
      QueueUrl: pipeline.queueUrl,
      MessageBody: body,
      MessageAttributes: message.MessageAttributes,
      ...(group !== undefined && { MessageGroupId: group }),
    }),
  );
}
