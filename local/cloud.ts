import { EventEmitter } from "node:events";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import { answer, isControl } from "./aws/control-plane.ts";
import { type Emulator, startEmulator } from "./aws/emulator.ts";
import type { CloudEvents } from "./cloud-events.ts";
import { CloudWatch } from "./cloudwatch/cloudwatch.ts";
import { EventBridge } from "./eventbridge/event-bridge.ts";
import { type HttpApi, startHttpApi } from "./gateway/http-api.ts";
import { createLocalPages } from "./gateway/local-pages.ts";
import { AccountConcurrency, DEFAULT_ACCOUNT_CONCURRENCY } from "./lambda/account-concurrency.ts";
import { EventSourceMapping } from "./lambda/event-source-mapping.ts";
import { LambdaFunction } from "./lambda/lambda.ts";
import { type Bedrock, type Painter, startBedrock } from "./model/bedrock.ts";
import type { Trouble } from "./model/trouble.ts";
import { readStack, type Stack } from "./stack/stack.ts";
import { Terraform } from "./stack/terraform.ts";
import { UserError } from "./user-error.ts";

export interface CloudOptions {
  /** The folder that holds the synthesised `cdk.tf.json`. */
  readonly stackDir: string;
  /** TCP port of SQS and S3 on 127.0.0.1; 0 takes any free one. Default 4566. */
  readonly port?: number;
  /** TCP port of the HTTP API on 127.0.0.1; 0 takes any free one. Default 0. */
  readonly apiPort?: number;
  /** Folder that keeps messages and objects across runs. Default: all is gone at the end. */
  readonly stateDirectory?: string;
  /** The stand-in model, or the real one, with this machine's AWS credentials. Default `local`. */
  readonly bedrock?: "local" | "aws";
  /** How the stand-in model misbehaves. Default: it works. */
  readonly trouble?: Trouble;
  /** Who paints for the stand-in model. Default: a pool of painters, who take their time. */
  readonly painter?: Painter;
  /** Whether queues invoke functions. If not, the caller delivers the messages. Default true. */
  readonly eventSources?: boolean;
  /** How long stopping waits for invocations under way, in milliseconds. Default 5000. */
  readonly graceMs?: number;
  /** Whether S3 tells some concurrent writes of a key of a conflict. Default true. */
  readonly conflicts?: boolean;
  /** How many invocations the account may have at once. Default 1,000. */
  readonly accountConcurrency?: number;
  /** How many minutes pass for alarms in one. Default 1. */
  readonly alarmSpeed?: number;
  /** Where on this machine events go that a webhook is to get. Default: nowhere. */
  readonly webhook?: URL;
  /** The wait before a webhook is called again, in milliseconds. Default 1000. */
  readonly webhookRetryMs?: number;
  /** Values of the stack's input variables. Default: their own defaults. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** The synthesised stack, running on this machine. */
export interface Cloud extends AsyncDisposable {
  /** Where SQS, SNS and S3 answer: `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  readonly stack: Stack;
  /** The prompt queue. */
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  /** Holds pictures and records, below {@link keyPrefix}. */
  readonly bucket: string;
  readonly keyPrefix: string;
  /** Longest time, in seconds, that a request which nobody paints any more waits to be painted by another. */
  readonly leaseSeconds: number;
  /** Messages that an earlier run had in flight when it ended. They are visible. */
  readonly leftInFlight: number;
  /** By function name. */
  readonly functions: ReadonlyMap<string, LambdaFunction>;
  /** The HTTP endpoint; undefined when the stack has none. */
  readonly api: HttpApi | undefined;
  /** The stand-in model; undefined when the real one is asked. */
  readonly bedrock: Bedrock | undefined;
  readonly spy: Emulator["spy"];
  readonly eventSources: readonly EventSourceMapping[];
  readonly cloudWatch: CloudWatch;
  readonly eventBridge: EventBridge;
  readonly events: EventEmitter<CloudEvents>;
  /** Clients that talk to this cloud. */
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  stop(): Promise<void>;
}

const DEFAULT_PORT = 4566;
const DEFAULT_GRACE_MS = 5000;
/** The emulator checks no signature; the SDKs want something to sign with. */
const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" } as const;

/** Gives each resource of the synthesised stack its twin on this machine and starts them all. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const running = new Shutdown();
  try {
    return await start(options, running);
  } catch (error) {
    await running.run();
    throw error;
  }
}

async function start(options: CloudOptions, running: Shutdown): Promise<Cloud> {
  const { stackDir, variables = {} } = options;
  const region = (await Terraform.read({ directory: stackDir, endpoint: "", variables })).region;
  const emulator = await startEmulator({
    port: options.port ?? DEFAULT_PORT,
    region,
    conflicts: options.conflicts ?? true,
    ...(options.stateDirectory !== undefined && { stateDirectory: options.stateDirectory }),
  });
  running.add(() => emulator.stop());
  const { endpoint } = emulator;
  // References to addresses, such as a queue's URL, can only be answered once the port is known.
  const terraform = await Terraform.read({ directory: stackDir, endpoint, variables });
  const stack = readStack(terraform);
  const names = mainResources(terraform, stack);
  let leftInFlight = 0;
  for (const queue of stack.queues) leftInFlight += await emulator.ensureQueue(queue);
  for (const topic of stack.topicNames) emulator.ensureTopic(topic);
  for (const { name, isVersioned } of stack.buckets) emulator.ensureBucket(name, isVersioned);

  const bedrock =
    options.bedrock === "aws" ? undefined : await startBedrock(options.trouble, options.painter);
  if (bedrock !== undefined) running.add(() => bedrock.stop());

  const events = new EventEmitter<CloudEvents>();
  const functions = new Map<string, LambdaFunction>();
  const concurrency = new AccountConcurrency(
    options.accountConcurrency ?? DEFAULT_ACCOUNT_CONCURRENCY,
    stack.functions,
  );
  for (const spec of stack.functions) {
    const created = await LambdaFunction.create({
      ...{ spec, concurrency },
      hostVariables: hostVariables(endpoint, bedrock, spec.functionName),
      onInvocation: (report) => events.emit("invocation", report),
      onLine: (line) => events.emit("line", line),
    });
    running.add(() => created.stop());
    functions.set(spec.functionName, created);
  }

  const sqs = new SQSClient({ endpoint, region, credentials: CREDENTIALS });
  const s3 = new S3Client({ endpoint, region, credentials: CREDENTIALS });
  running.add(async () => {
    sqs.destroy();
    s3.destroy();
  });
  const feeding = options.eventSources === false ? [] : stack.eventSources;
  const eventSources = feeding.map((spec) => {
    const mapping = new EventSourceMapping({
      ...{ spec, region, sqs },
      target: find([...functions.values()], (fn) => fn.spec.functionName === spec.functionName),
      graceMs: options.graceMs ?? DEFAULT_GRACE_MS,
      onBatch: (report) => events.emit("batch", report),
      onTrouble: (error) => events.emit("trouble", error),
    });
    running.add(() => mapping.stop());
    return mapping;
  });
  const cloudWatch = new CloudWatch({
    ...{ emulator, functions, events, region },
    specs: stack.alarms,
    queueNames: stack.queues.map(({ name }) => name),
    speed: options.alarmSpeed ?? 1,
  });
  running.add(async () => cloudWatch.stop());
  const eventBridge = new EventBridge({
    ...{ stack, sqs, events },
    webhook: options.webhook,
    firstRetryMs: options.webhookRetryMs ?? 1000,
  });
  running.add(async () => eventBridge.stop());
  emulator.divert(
    (request) => isControl(request) || EventBridge.isMine(request),
    (request, response) => {
      if (EventBridge.isMine(request)) void eventBridge.handle(request, response);
      else void answer(request, response, { eventSources, cloudWatch });
    },
  );

  const [apiSpec] = stack.httpApis;
  const api =
    apiSpec &&
    (await startHttpApi({
      spec: apiSpec,
      port: options.apiPort ?? 0,
      functions,
      pages: createLocalPages({ emulator, cloudWatch, bedrock, ...names }),
      onRequest: (report) => events.emit("request", report),
    }));
  if (api !== undefined) running.add(() => api.stop());

  const stop = (): Promise<void> => running.run();
  return {
    ...{ endpoint, stack, functions, api, bedrock, events, sqs, s3, stop },
    ...names,
    ...{ eventSources, cloudWatch, eventBridge, leftInFlight },
    spy: emulator.spy,
    [Symbol.asyncDispose]: stop,
  };
}

/** What the stack's outputs name, and what hangs on it. */
function mainResources(
  terraform: Terraform,
  stack: Stack,
): Pick<Cloud, "queueUrl" | "deadLetterQueueUrl" | "bucket" | "keyPrefix" | "leaseSeconds"> {
  const output = (name: string): string => {
    const value = terraform.output(name);
    if (typeof value === "string") return value;
    throw new UserError(
      `${terraform.directory}: the stack has no output ${name}, which the local cloud needs.`,
    );
  };
  const queueUrl = output("sqs_queue_url");
  const queue = find(stack.queues, ({ url }) => url === queueUrl);
  const redrive = z
    .object({ deadLetterTargetArn: z.string() })
    .parse(JSON.parse(queue.attributes.RedrivePolicy ?? "{}"));
  const consumerName = output("lambda_function_name");
  const consumer = find(stack.functions, ({ functionName }) => functionName === consumerName);
  return {
    queueUrl,
    deadLetterQueueUrl: find(stack.queues, ({ arn }) => arn === redrive.deadLetterTargetArn).url,
    bucket: output("image_bucket"),
    keyPrefix: consumer.environment.KEY_PREFIX ?? "",
    leaseSeconds: Number(consumer.environment.LEASE_SECONDS ?? 0),
  };
}

/**
 * What the functions get beside the stack's own variables. With the real model they need this machine's
 * credentials; the emulator gets to see them as well, and does not look at them.
 */
function hostVariables(
  endpoint: string,
  bedrock: Bedrock | undefined,
  roleName: string,
): Record<string, string> {
  const emulated = {
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
    AWS_ENDPOINT_URL_LAMBDA: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ENDPOINT_URL_SNS: endpoint,
    AWS_ENDPOINT_URL_SQS: endpoint,
  };
  if (bedrock !== undefined) {
    return {
      ...emulated,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.endpoint,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_SESSION_TOKEN: roleName,
    };
  }
  const own = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined &&
    (name === "HOME" || (name.startsWith("AWS_") && !name.startsWith("AWS_ENDPOINT_URL")))
      ? [[name, value] as const]
      : [],
  );
  return { ...Object.fromEntries(own), ...emulated };
}

function find<T>(items: readonly T[], matches: (item: T) => boolean): T {
  const item = items.find(matches);
  if (item === undefined)
    throw new UserError("The stack's outputs, queues and functions do not fit together.");
  return item;
}

/** What has to be stopped, in the reverse order of starting, once. */
class Shutdown {
  readonly #steps: (() => Promise<void>)[] = [];
  #done: Promise<void> | undefined;

  add(step: () => Promise<void>): void {
    this.#steps.unshift(step);
  }

  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    for (const step of this.#steps) await step();
  }
}
