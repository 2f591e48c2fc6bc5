import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { messageBody } from "../domain/message-body.ts";
import {
  type AskedRequest,
  drawSeed,
  type FailedRecord,
  type QueuedRecord,
  type RequestRecord,
} from "../domain/record.ts";
import { type Records, UnreadableRecordError, type VersionedRecord } from "../domain/records.ts";
import type { IdentifiedRequest } from "../domain/request.ts";
import { isSameRequest } from "../domain/same-request.ts";

export type Accepted =
  /** The request as it stands: new, or as an earlier attempt under the same id left it. */
  | { readonly kind: "accepted"; readonly record: RequestRecord }
  /** The id belongs to another prompt. */
  | { readonly kind: "conflict" }
  /** The queue did not take it. The record says so; the same request can be sent again. */
  | { readonly kind: "not-queued" };

export interface IntakeOptions {
  readonly records: Records;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly codeVersion: string;
}

/** Takes requests in: first the record, then the message, so that no message is ever without a record. */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** @param group whose request it is, for the queue's fairness */
  async accept(request: IdentifiedRequest, group: string): Promise<Accepted> {
    const { records } = this.#options;
    const { requestId } = request;
    const fresh = this.#queued({ ...request, seed: request.seed ?? drawSeed() }, 0);
    const created = await records.write(fresh, { ifNoneMatch: "*" });
    if (created.written) return this.#send(fresh, created.etag, group);

    const { record, etag } = this.#present(requestId, created.found);
    if (!isSameRequest(request, record)) return { kind: "conflict" };
    switch (record.status) {
      case "queued":
        // The earlier attempt may have died before it sent the message. If it has not, there are two messages: the
        // ledger sees to it that one of them is painted.
        return this.#send(record, etag, group);
      case "failed": {
        const again = this.#queued(record, record.attempts);
        const changed = await records.write(again, { ifMatch: etag });
        if (changed.written) return this.#send(again, changed.etag, group);
        return { kind: "accepted", record: this.#present(requestId, changed.found).record };
      }
      default:
        return { kind: "accepted", record };
    }
  }

  async #send(record: QueuedRecord, etag: string, group: string): Promise<Accepted> {
    const { records, sqs, queueUrl } = this.#options;
    const { requestId } = record;
    try {
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: messageBody(record),
          MessageGroupId: group,
        }),
      );
    } catch (error) {
      console.error({
        event: "not queued",
        requestId,
        code: error instanceof Error ? error.name : "unknown",
      });
      const failed: FailedRecord = {
        ...record,
        status: "failed",
        reason: { code: "NotQueued", message: "the queue did not take the prompt: send the request again" },
        timings: { ...record.timings, finishedAt: new Date().toISOString() },
      };
      const closed = await records.write(failed, { ifMatch: etag });
      // A record that has moved on shows that a message arrived after all.
      if (closed.written) return { kind: "not-queued" };
      return { kind: "accepted", record: this.#present(requestId, closed.found).record };
    }
    console.info({ event: "queued", requestId });
    return { kind: "accepted", record };
  }

  #present(requestId: string, found: VersionedRecord | undefined): VersionedRecord {
    if (found === undefined) throw new UnreadableRecordError(`the record of ${requestId} vanished`);
    return found;
  }

  #queued(asked: AskedRequest, attempts: number): QueuedRecord {
    return {
      requestId: asked.requestId,
      status: "queued",
      prompt: asked.prompt,
      negativePrompt: asked.negativePrompt,
      aspectRatio: asked.aspectRatio,
      outputFormat: asked.outputFormat,
      seed: asked.seed,
      attempts,
      timings: { queuedAt: new Date().toISOString() },
      codeVersion: this.#options.codeVersion,
    };
  }
}
