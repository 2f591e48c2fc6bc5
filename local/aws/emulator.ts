import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, RequestListener } from "node:http";
import { join } from "node:path";
import { type FauxqsServer, type MessageSpyReader, startFauxqs } from "fauxqs";
import { refuseForeignPages } from "../loopback.ts";
import type { QueueSpec } from "../stack/stack.ts";
import { systemErrorCode, UserError } from "../user-error.ts";
import { type EmulatorApp, enforceConditionalWrites } from "./conditional-writes.ts";
import { keepVersions } from "./object-versions.ts";
import { enforceQueueRules } from "./queue-rules.ts";
import { overrideResponseHeaders } from "./response-headers.ts";
import { openStateFolder } from "./state-folder.ts";

export interface EmulatorOptions {
  /** TCP port on 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** Region of requests that do not name one. */
  readonly region: string;
  /** Folder that keeps queues and objects across runs. Default: everything is in memory. */
  readonly stateDirectory?: string;
  /** Whether some of the conditional writes that meet another one of their key are told of a conflict. Default true. */
  readonly conflicts?: boolean;
}

/** SQS, SNS and S3 on this machine. */
export interface Emulator {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** Every message and object that came by; the way to wait for something instead of sleeping. */
  readonly spy: MessageSpyReader;
  /**
   * Creates the queue, or brings one that was kept from an earlier run up to date. Nobody has its messages any more:
   * those that were in flight become visible.
   * @returns how many were
   */
  ensureQueue(queue: QueueSpec): Promise<number>;
  ensureTopic(name: string): void;
  publish(topicName: string, subject: string, message: string): void;
  inspectQueue(name: string): QueueLoad;
  /** From now on requests that are `mine` are answered by `handle`, and not by the emulator. */
  divert(mine: (request: IncomingMessage) => boolean, handle: RequestListener): void;
  /** Creates the bucket; one that was kept from an earlier run stays as it is, but for whether it keeps old versions. */
  ensureBucket(name: string, isVersioned?: boolean): void;
  stop(): Promise<void>;
}

/** What is in a queue. */
export interface QueueLoad {
  readonly visible: number;
  readonly hidden: number;
  readonly delayed: number;
  /** 0 where the queue is empty. */
  readonly oldestSeconds: number;
}

/** Events the spy remembers: enough for a long batch of prompts, small enough to forget about. */
const SPY_BUFFER = 10_000;

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const state = options.stateDirectory;
  const closeState = state === undefined ? () => {} : await openStateFolder(state);
  const diversion: Diversion = { mine: () => false, handle: () => {} };
  const versioned = new Set<string>();
  const prepare = (app: EmulatorApp): void => {
    listenOnLoopback(app);
    overrideResponseHeaders(app);
    keepVersions(app, (bucket) => versioned.has(bucket));
    enforceConditionalWrites(app, options.conflicts ?? true);
    enforceQueueRules(app, {
      keepsState: state !== undefined,
      retentionSeconds: (name) => Number(server.inspectQueue(name)?.attributes.MessageRetentionPeriod),
    });
  };
  const { app, listening } = launch(diversion, prepare, () =>
    startFauxqs({
      port: options.port,
      logger: false,
      defaultRegion: options.region,
      messageSpies: { bufferSize: SPY_BUFFER },
      ...(state !== undefined && { dataDir: join(state, "queues"), s3StorageDir: join(state, "objects") }),
    }),
  );
  const server = await listening.catch((error: unknown) => {
    closeState();
    throw explainStartFailure(error, options.port);
  });
  const endpoint = `http://127.0.0.1:${server.port}`;

  return {
    endpoint,
    spy: server.spy,
    async ensureQueue({ name, url, attributes, tags }) {
      const kept = server.inspectQueue(name);
      if (kept === undefined) {
        server.createQueue(name, { attributes: { ...attributes }, tags: { ...tags } });
        return 0;
      }
      const { inflight } = kept.messages;
      for (const [action, payload] of [
        ["SetQueueAttributes", { QueueUrl: url, Attributes: attributes }],
        ["TagQueue", { QueueUrl: url, Tags: tags }],
        ...inflight.map(
          ({ receiptHandle }) =>
            [
              "ChangeMessageVisibility",
              { QueueUrl: url, ReceiptHandle: receiptHandle, VisibilityTimeout: 0 },
            ] as const,
        ),
      ] as const) {
        const response = await app.inject({
          method: "POST",
          url: "/",
          headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AmazonSQS.${action}` },
          payload: JSON.stringify(payload),
        });
        if (response.statusCode !== 200) {
          throw new UserError(`The queue ${name} kept in ${state} cannot be updated: ${response.body}`);
        }
      }
      return inflight.length;
    },
    ensureTopic(name) {
      server.createTopic(name);
    },
    publish(topicName, subject, message) {
      server.publish(topicName, message, { subject });
    },
    inspectQueue(name) {
      const { ready = [], delayed = [], inflight = [] } = server.inspectQueue(name)?.messages ?? {};
      const sent = [...ready, ...delayed, ...inflight.map(({ message }) => message)];
      const oldest = Math.min(Date.now(), ...sent.map(({ sentTimestamp }) => sentTimestamp));
      return {
        visible: ready.length,
        hidden: inflight.length,
        delayed: delayed.length,
        oldestSeconds: (Date.now() - oldest) / 1000,
      };
    },
    divert(mine, handle) {
      Object.assign(diversion, { mine, handle });
    },
    ensureBucket(name, isVersioned = false) {
      server.createBucket(name);
      if (isVersioned) versioned.add(name);
    },
    async stop() {
      await server.stop();
      closeState();
    },
  };
}

interface Diversion {
  mine: (request: IncomingMessage) => boolean;
  handle: RequestListener;
}

/**
 * Starts fauxqs and catches its Fastify instance on the way: fauxqs keeps the instance to itself, and some
 * things about it have to change before it has routes and listens. Fastify announces each instance on a
 * diagnostics channel, and fauxqs makes its own before its first await, so what is announced during
 * the call is this one.
 */
function launch(
  diversion: Diversion,
  prepare: (app: EmulatorApp) => void,
  start: () => Promise<FauxqsServer>,
): { app: EmulatorApp; listening: Promise<FauxqsServer> } {
  let app: EmulatorApp | undefined;
  const take = (message: unknown): void => {
    if (!announcesApp(message)) return;
    app = message.fastify;
    prepare(app);
    // Before the emulator has read the body.
    app.addHook("onRequest", async (request, reply) => {
      if (!diversion.mine(request.raw)) return;
      reply.hijack();
      diversion.handle(request.raw, reply.raw);
    });
  };
  subscribe("fastify.initialization", take);
  const listening = start();
  unsubscribe("fastify.initialization", take);
  if (app === undefined) throw new Error("fauxqs did not announce its Fastify instance.");
  return { app, listening };
}

/** Whether a diagnostics message is Fastify's announcement of a new instance. */
export function announcesApp(message: unknown): message is { readonly fastify: EmulatorApp } {
  return typeof message === "object" && message !== null && "fastify" in message;
}

/** fauxqs listens on 0.0.0.0 whatever it is told; an emulator without authentication belongs to this machine. */
function listenOnLoopback(app: EmulatorApp): void {
  refuseForeignPages(app.server);
  const listen = app.listen.bind(app);
  Object.defineProperty(app, "listen", {
    value: (options: { readonly port: number }) => listen({ ...options, host: "127.0.0.1" }),
  });
}

function explainStartFailure(error: unknown, port: number): unknown {
  switch (systemErrorCode(error)) {
    case "EADDRINUSE":
      return new UserError(`Port ${port} is taken. Choose another with --port <number>.`);
    case "EACCES":
      return new UserError(
        `Port ${port} is not allowed for you. Choose one above 1023 with --port <number>.`,
      );
    default:
      return error;
  }
}
