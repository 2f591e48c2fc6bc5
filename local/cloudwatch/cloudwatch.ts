import type { EventEmitter } from "node:events";
import type { Emulator } from "../aws/emulator.ts";
import type { CloudEvents } from "../cloud-events.ts";
import type { LambdaFunction } from "../lambda/lambda.ts";
import { LOCAL_ACCOUNT_ID } from "../stack/terraform-attributes.ts";
import type { AlarmSpec } from "./alarm-specs.ts";
import { recordEmbeddedMetrics } from "./embedded-metrics.ts";
import { Evaluator, type Transition } from "./evaluator.ts";
import { MetricStore } from "./metric-store.ts";

/** How often CloudWatch looks at alarms, and SQS reports, in milliseconds. */
const EVALUATION_MS = 60_000;

export interface CloudWatchOptions {
  readonly specs: readonly AlarmSpec[];
  readonly region: string;
  readonly queueNames: readonly string[];
  readonly emulator: Emulator;
  readonly functions: ReadonlyMap<string, LambdaFunction>;
  readonly events: EventEmitter<CloudEvents>;
  /** How many minutes pass for alarms in one. */
  readonly speed: number;
}

/** Keeps the metrics of the local cloud, evaluates the alarms, and does what they say. */
export class CloudWatch {
  readonly specs: readonly AlarmSpec[];
  readonly store = new MetricStore();
  readonly evaluator: Evaluator;
  readonly #options: CloudWatchOptions;
  /** When the period under way began. All that happens in it counts as having happened then. */
  #period = Date.now();
  readonly #timer: NodeJS.Timeout;

  constructor(options: CloudWatchOptions) {
    this.specs = options.specs;
    this.#options = options;
    this.evaluator = new Evaluator(options.specs, this.store);
    options.events.on("line", ({ line }) => recordEmbeddedMetrics(this.store, line, this.#period));
    options.events.on("invocation", (report) => this.#recordInvocation(report));
    options.events.on("request", (report) => this.#recordRequest(report));
    this.#timer = setInterval(() => this.tick(), EVALUATION_MS / options.speed);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Ends the period: samples the queues, evaluates all alarms, and does what those say that changed. */
  tick(): void {
    for (const name of this.#options.queueNames) this.#recordQueue(name);
    this.#period += EVALUATION_MS;
    for (const transition of this.evaluator.evaluate(this.#period)) {
      this.#options.events.emit("alarm", transition);
      for (const action of transition.alarm.actions[transition.to]) this.#act(action, transition);
    }
  }

  #recordQueue(queueName: string): void {
    const { visible, hidden, delayed, oldestSeconds } = this.#options.emulator.inspectQueue(queueName);
    const values = {
      ApproximateNumberOfMessagesVisible: visible,
      ApproximateNumberOfMessagesNotVisible: hidden,
      ApproximateNumberOfMessagesDelayed: delayed,
      ApproximateAgeOfOldestMessage: oldestSeconds,
    };
    this.#record("AWS/SQS", { QueueName: queueName }, values);
  }

  #recordInvocation({ functionName, outcome, durationMs }: CloudEvents["invocation"][0]): void {
    const values =
      outcome.type === "throttled"
        ? { Throttles: 1 }
        : outcome.type === "recursive"
          ? { RecursiveInvocationsDropped: 1 }
          : { Invocations: 1, Errors: outcome.type === "error" ? 1 : 0, Duration: durationMs, Throttles: 0 };
    this.#record("AWS/Lambda", { FunctionName: functionName }, values);
  }

  #recordRequest({ api, status, latencyMs }: CloudEvents["request"][0]): void {
    const values = {
      Count: 1,
      "4xx": status >= 400 && status < 500 ? 1 : 0,
      "5xx": status >= 500 ? 1 : 0,
      Latency: latencyMs,
    };
    this.#record("AWS/ApiGateway", { ApiId: api.id, Stage: api.stageName }, values);
  }

  #record(
    namespace: string,
    dimensions: Record<string, string>,
    values: Readonly<Record<string, number>>,
  ): void {
    for (const [name, value] of Object.entries(values)) {
      this.store.record({ namespace, name, dimensions }, value, this.#period);
    }
  }

  #act(action: string, transition: Transition): void {
    const { emulator, functions } = this.#options;
    const name = action.split(":").at(-1) ?? "";
    if (action.includes(":sns:")) {
      const { alarm, to } = transition;
      emulator.publish(name, `${to}: "${alarm.name}"`, JSON.stringify(this.#notification(transition)));
    } else {
      // Asynchronous, as alarms invoke; how it went is among the reports of invocations.
      void functions.get(name)?.invoke(this.#invocation(transition));
    }
  }

  #notification({ alarm, from, to, reason, at }: Transition): object {
    return {
      AlarmName: alarm.name,
      AlarmDescription: alarm.description,
      AWSAccountId: LOCAL_ACCOUNT_ID,
      Region: this.#options.region,
      AlarmArn: alarm.arn,
      OldStateValue: from,
      NewStateValue: to,
      NewStateReason: reason,
      StateChangeTime: new Date(at).toISOString(),
    };
  }

  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html */
  #invocation({ alarm, from, to, reason, at }: Transition): object {
    const time = new Date(at).toISOString();
    return {
      source: "aws.cloudwatch",
      alarmArn: alarm.arn,
      accountId: LOCAL_ACCOUNT_ID,
      time,
      region: this.#options.region,
      alarmData: {
        alarmName: alarm.name,
        state: { value: to, reason, timestamp: time },
        previousState: { value: from },
      },
    };
  }
}
