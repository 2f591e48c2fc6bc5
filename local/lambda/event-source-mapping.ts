import { EventSource, type EventSourceOptions } from "./event-source.ts";

export interface EventSourceMappingOptions extends EventSourceOptions {
  /** How long stopping waits for invocations under way, in milliseconds. */
  readonly graceMs: number;
}

/** An event source that can be stopped and started again, as Lambda's API does it. */
export class EventSourceMapping {
  readonly uuid: string;
  readonly functionArn: string;
  readonly #options: EventSourceMappingOptions;
  #state: "Enabled" | "Disabling" | "Disabled" = "Disabled";
  /** The last one is the one in use, if any is. */
  readonly #sources: EventSource[] = [];
  #stopped: Promise<unknown> | undefined;

  constructor(options: EventSourceMappingOptions) {
    this.uuid = options.spec.uuid;
    this.functionArn = options.target.spec.arn;
    this.#options = options;
    if (options.spec.enabled) this.enable();
  }

  get state(): "Enabled" | "Disabling" | "Disabled" {
    return this.#state;
  }

  enable(): void {
    if (this.#state === "Enabled") return;
    this.#state = "Enabled";
    this.#sources.push(new EventSource(this.#options));
  }

  async disable(): Promise<void> {
    if (this.#state !== "Enabled") return;
    this.#state = "Disabling";
    const source = this.#sources.at(-1);
    await source?.pause();
    if (this.#sources.at(-1) === source) this.#state = "Disabled";
  }

  async stop(): Promise<void> {
    this.#stopped ??= Promise.all(this.#sources.map((source) => source.stop(this.#options.graceMs)));
    await this.#stopped;
  }
}
