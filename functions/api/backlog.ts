import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
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

/** What there is to paint before a prompt that is sent now. */
export class Backlog {
  readonly #options: BacklogOptions;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  async health(): Promise<z.output<typeof healthSchema>> {
    const waitingPrompts = await this.#prompts();
    return { waitingPrompts, estimatedWaitSeconds: this.#secondsBehind(waitingPrompts) };
  }

  /** How many prompts wait or are being painted; SQS counts them approximately. */
  async #prompts(): Promise<number> {
    const { Attributes = {} } = await this.#options.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#options.queueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    return (
      Number(Attributes.ApproximateNumberOfMessages ?? 0) +
      Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0)
    );
  }

  /** How long a prompt that is sent now will take, in seconds; without the queue's answer, as if it were empty. */
  async estimateSeconds(): Promise<number> {
    try {
      return this.#secondsBehind(await this.#prompts());
    } catch (error) {
      console.warn({ event: "no estimate", code: error instanceof Error ? error.name : "unknown" });
      return this.#secondsBehind(0);
    }
  }

  /** How long a prompt behind so many others will take, in seconds. */
  #secondsBehind(prompts: number): number {
    return (Math.floor(prompts / this.#options.picturesAtOnce) + 1) * SECONDS_PER_PICTURE;
  }
}
