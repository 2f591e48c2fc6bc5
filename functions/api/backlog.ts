import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
import { errorName } from "../domain/error-name.ts";
import type { SucceededRecord } from "../domain/record.ts";
import { SECONDS_PER_PICTURE } from "../domain/timing.ts";

/** What `GET /health` tells: of the queue alone. Whether the model paints is for the alarms to say. */
export const healthSchema = z.object({
  waitingPrompts: z
    .int()
    .check(
      z.nonnegative(),
      z.describe("The number of prompts in the queue, with those that are being painted. Approximate."),
    ),
  estimatedWaitSeconds: z
    .int()
    .check(
      z.positive(),
      z.describe("How long a prompt that is sent now will take, in seconds. An estimate."),
    ),
});

export interface BacklogOptions {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly picturesAtOnce: number;
}

/** What a caller may expect of a prompt that is in the queue. */
export interface Expectation {
  /** Undefined where the queue did not answer. */
  readonly queuePosition: number | undefined;
  readonly estimatedWaitSeconds: number;
}

/** So many pictures say how long one takes at the moment. */
const MOST_MEASURED = 20;

/** What there is to paint before a prompt. */
export class Backlog {
  readonly #options: BacklogOptions;
  /** How long pictures took of which this function has told, in milliseconds, by request: the latest are the last. */
  readonly #measured = new Map<string, number>();

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  async health(): Promise<z.output<typeof healthSchema>> {
    const { waiting, inFlight } = await this.#load();
    const waitingPrompts = waiting + inFlight;
    return { waitingPrompts, estimatedWaitSeconds: this.#secondsBehind(waitingPrompts) };
  }

  /** What to expect of a prompt that is in the queue; without the queue's answer, as if it were alone there. */
  async expect(): Promise<Expectation> {
    try {
      const { waiting, inFlight } = await this.#load();
      const queuePosition = Math.max(1, waiting);
      return {
        queuePosition,
        estimatedWaitSeconds: this.#secondsBehind(queuePosition - 1 + inFlight),
      };
    } catch (error) {
      console.warn({ event: "no estimate", code: errorName(error) });
      return { queuePosition: undefined, estimatedWaitSeconds: this.#secondsBehind(0) };
    }
  }

  /** Learns from a finished picture how long one takes. */
  learn({ requestId, timings }: SucceededRecord): void {
    this.#measured.delete(requestId);
    this.#measured.set(requestId, Date.parse(timings.finishedAt) - Date.parse(timings.startedAt));
    const [oldest] = this.#measured.keys();
    if (this.#measured.size > MOST_MEASURED && oldest !== undefined) this.#measured.delete(oldest);
  }

  /** How many prompts can be received, and how many are being painted or wait for their next try; about. */
  async #load(): Promise<{ readonly waiting: number; readonly inFlight: number }> {
    const { Attributes = {} } = await this.#options.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#options.queueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    return {
      waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
    };
  }

  /** How long a prompt behind so many others will take, in seconds: at least one. */
  #secondsBehind(prompts: number): number {
    const rounds = Math.floor(prompts / this.#options.picturesAtOnce) + 1;
    const each = median([...this.#measured.values()]) ?? SECONDS_PER_PICTURE * 1000;
    return Math.max(1, Math.ceil((rounds * each) / 1000));
  }
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
