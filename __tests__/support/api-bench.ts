import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GetQueueAttributesCommand, type Message, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { z } from "zod";
import type { SettingsInput } from "../../config/settings.ts";
import { ownerOf, requestIdOf } from "../../functions/domain/owner.ts";
import { uniqueId } from "../../local/aws/principal.ts";
import { type Cloud, startCloud } from "../../local/cloud.ts";
import { quickPainter } from "./quick-painter.ts";
import { copyStack, settingsWith } from "./synthesise.ts";

/** To whom belongs what is asked for without a signature. */
export const LOCAL_OWNER = ownerOf(uniqueId("AIDA", "local"));

/** The id of a request that was sent under a key without a signature. */
export function localId(key: string): string {
  return requestIdOf(LOCAL_OWNER, key);
}

const bodySchema = z.looseObject({
  requestId: z.string().optional(),
  status: z.union([z.string(), z.number()]).optional(),
  detail: z.string().optional(),
  imageUrl: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

const pageSchema = z.object({
  requests: z.array(z.looseObject({ requestId: z.string(), status: z.string() })),
  next: z.string().optional(),
});

/** An answer of the API, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: z.output<typeof bodySchema>;
  /** What `errors` names. */
  readonly fields: readonly string[];
}

export interface ApiBenchOptions {
  /** Settings that differ from those of `dev`. */
  readonly settings?: Partial<SettingsInput>;
  /** Without a consumer, what is sent stays on the queue. Default: it is painted. */
  readonly consumer?: false;
  /** The functions' time-out, where it is to be shorter. */
  readonly timeoutSeconds?: number;
}

/** The synthesised stack on this machine, called over HTTP. */
export class ApiBench implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly url: string;
  /** What the functions logged. */
  readonly lines: string[] = [];

  private constructor(cloud: Cloud) {
    if (cloud.api === undefined) throw new Error("the stack has no API");
    this.cloud = cloud;
    this.url = cloud.api.url;
    cloud.events.on("line", ({ line }) => this.lines.push(line));
  }

  static async start(options: ApiBenchOptions = {}): Promise<ApiBench> {
    const folder = copyStack(settingsWith(options.settings));
    const file = join(folder, "cdk.tf.json");
    const stack = JSON.parse(readFileSync(file, "utf8"));
    for (const mapping of Object.values<{ enabled?: boolean }>(
      stack.resource.aws_lambda_event_source_mapping,
    )) {
      mapping.enabled = options.consumer ?? true;
    }
    for (const fn of Object.values<{ timeout: number }>(stack.resource.aws_lambda_function)) {
      fn.timeout = options.timeoutSeconds ?? fn.timeout;
    }
    writeFileSync(file, JSON.stringify(stack));
    return new ApiBench(
      await startCloud({ stackDir: folder, port: 0, trouble: { latencyMs: 0 }, painter: quickPainter }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cloud.stop();
  }

  /** How often the stand-in model was paid. */
  get paid(): number {
    return this.cloud.bedrock?.bill.length ?? 0;
  }

  async call(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    const body = bodySchema.parse(text === "" ? {} : JSON.parse(text));
    const fields = (body.errors ?? []).map(({ field }) => field);
    return { status: response.status, headers: response.headers, body, fields };
  }

  /** A page of the requests of a caller without a signature. */
  async list(query = "") {
    const response = await fetch(`${this.url}/requests?${query}`);
    return pageSchema.parse(await response.json());
  }

  /** Posts JSON to `/generate`. */
  generate(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.call("/generate", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  /** How many messages wait on the prompt queue. */
  async waiting(): Promise<number> {
    const { Attributes } = await this.cloud.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.cloud.queueUrl, AttributeNames: ["All"] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  }

  /** How many messages are on the prompt queue in all. */
  async onQueue(): Promise<number> {
    const { Attributes = {} } = await this.cloud.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.cloud.queueUrl, AttributeNames: ["All"] }),
    );
    const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } =
      Attributes;
    return Number(visible) + Number(hidden) + Number(Attributes.ApproximateNumberOfMessagesDelayed);
  }

  /** Takes a message off the queue. */
  async receive(): Promise<Message> {
    const { Messages: [message] = [] } = await this.cloud.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.cloud.queueUrl,
        MessageSystemAttributeNames: ["All"],
      }),
    );
    if (message === undefined) throw new Error("the queue is empty");
    return message;
  }
}
