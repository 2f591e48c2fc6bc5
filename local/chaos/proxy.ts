import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { buffer } from "node:stream/consumers";
import { outlivedItsInvocation } from "../lambda/frozen-connections.ts";
import { listenOnLoopback } from "../loopback.ts";
import { type Call, readCall } from "./call.ts";
import { CONFLICT, DENIED, type FaultKind, MODEL_ANSWERS, type ModelAnswer, NOT_TAKEN } from "./faults.ts";

/** A call, and what became of it. */
export interface Journaled {
  readonly call: Call;
  fault: FaultKind | undefined;
  /** The HTTP status that the service itself answered with, where it got the call. */
  status: number | undefined;
  /** Whether the caller got the whole answer of the service. */
  delivered: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

export interface ProxyOptions {
  /** Where each service answers, `http://host:port`. */
  readonly upstream: Readonly<Record<Call["target"], string>>;
  /** Asked once for each call, before it goes on: opens the journal's entry, with the harm to do. */
  readonly onCall: (call: Call) => Journaled;
  /** Told of each call that reached its service, before the caller is. */
  readonly onReached: (call: Call, request: Buffer, answer: Answer) => void;
  /** Resolves when a late call may go on. */
  readonly holdUp: (call: Call) => Promise<void>;
  /** Ends the execution environment that made the call, at once. */
  readonly kill: (caller: string) => Promise<void>;
  /** The clock of the caller: a client that sees another date in an answer believes that its own clock is wrong. */
  readonly dateFor: (caller: string) => Date;
}

/** Stands between the functions and all services, and does the harm. */
export async function startProxy(options: ProxyOptions) {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    handle(request, response, options, agent).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  const port = await listenOnLoopback(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop(): Promise<void> {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  options: ProxyOptions,
  agent: Agent,
): Promise<void> {
  const body = await buffer(request);
  const call = readCall(request, body);
  if (call.target === "model" && outlivedItsInvocation(request)) {
    request.socket.resetAndDestroy();
    return;
  }
  const entry = options.onCall(call);
  const { fault } = entry;
  const date = options.dateFor(call.caller).toUTCString();
  const send = (answer: Answer) => {
    const length = call.method === "HEAD" ? {} : { "content-length": answer.body.length };
    response.writeHead(answer.status, { ...answer.headers, date, ...length });
    response.end(answer.body);
  };

  switch (fault) {
    case "kill before":
      return options.kill(call.caller);
    case "hang before":
      // The caller has to give up by itself.
      return;
    case "reset before":
      response.destroy();
      return;
    case "error before":
      return send(errorOf(call));
    case CONFLICT:
      if (isConditional(request)) return send(xmlError(409, "ConditionalRequestConflict", call));
      entry.fault = undefined;
      break;
    case DENIED:
      return send(xmlError(403, "AccessDenied", call));
    case NOT_TAKEN:
      return send(jsonAnswer(200, { FailedEntryCount: 1, Entries: [{ ErrorCode: "ThrottlingException" }] }));
    case "late":
      await options.holdUp(call);
      break;
    default:
      if (isModelAnswer(fault)) return send(answerOf(fault));
  }

  // The model does not see which function is behind the proxy's own connections.
  const via = call.target === "model" ? false : agent;
  const answer = await forward(request, body, options.upstream[call.target], via);
  entry.status = answer.status;
  // A caller that has given up has closed the connection.
  entry.delivered = (entry.fault === undefined || fault === "late") && !response.closed;
  options.onReached(call, body, answer);

  switch (fault) {
    case "kill after":
      return options.kill(call.caller);
    case "hang after":
      return;
    case "reset after":
      response.destroy();
      return;
    case "error after":
      return send(errorOf(call));
    case "cut":
      response.writeHead(answer.status, { ...answer.headers, "content-length": answer.body.length + 1 });
      response.write(answer.body.subarray(0, Math.ceil(answer.body.length / 2)));
      response.socket?.end();
      return;
    default:
      send(answer);
  }
}

function forward(
  request: IncomingMessage,
  body: Buffer,
  upstream: string,
  agent: Agent | false,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, headers, url = "" } = request;
    const outgoing = httpRequest(new URL(url, upstream), { method, headers, agent }, (incoming) => {
      buffer(incoming).then((received) => {
        // The body goes on in one piece.
        const { "transfer-encoding": _, ...kept } = incoming.headers;
        resolve({ status: incoming.statusCode ?? 0, headers: kept, body: received });
      }, reject);
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

function isModelAnswer(fault: FaultKind | undefined): fault is ModelAnswer {
  return fault !== undefined && fault in MODEL_ANSWERS;
}

function answerOf(fault: ModelAnswer): Answer {
  const { status, ...rest } = MODEL_ANSWERS[fault];
  const body = "body" in rest ? rest.body : { message: fault };
  const errorType = "errorType" in rest ? { "x-amzn-errortype": rest.errorType } : {};
  return {
    status,
    headers: { "content-type": "application/json", ...errorType },
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  };
}

/** What each service says when it is not well. */
function errorOf(call: Call): Answer {
  switch (call.target) {
    case "model":
    case "control":
      return answerOf("server error");
    case "queue":
      return jsonAnswer(503, { __type: "com.amazonaws.sqs#ServiceUnavailable", message: "not now" });
    case "events":
      return jsonAnswer(500, { __type: "InternalException", message: "not now" });
    case "store":
    case "index":
      return xmlError(503, "SlowDown", call);
  }
}

function jsonAnswer(status: number, body: object): Answer {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.1" },
    body: Buffer.from(JSON.stringify(body)),
  };
}

function isConditional({ method, headers }: IncomingMessage): boolean {
  const conditions = [headers["if-match"], headers["if-none-match"]];
  return method !== "GET" && method !== "HEAD" && conditions.some((condition) => condition !== undefined);
}

function xmlError(status: number, code: string, { method }: Call): Answer {
  const xml = `<Error><Code>${code}</Code><Message>not now</Message></Error>`;
  const body = Buffer.from(method === "HEAD" ? "" : xml);
  return { status, headers: { "content-type": "application/xml" }, body };
}
