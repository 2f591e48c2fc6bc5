import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import pLimit from "p-limit";
import { z } from "zod";
import { type LambdaFunction, withinLimit } from "../lambda/lambda.ts";
import { listenOnLoopback, readBody } from "../loopback.ts";
import type { HttpApiSpec, RouteSpec, ThrottlingSpec } from "../stack/http-api-spec.ts";
import { systemErrorCode, UserError } from "../user-error.ts";
import { corsHeaders, preflightHeaders } from "./http-api-cors.ts";
import { toEvent } from "./http-api-event.ts";
import { matchRoute } from "./http-api-routes.ts";

export interface HttpApiOptions {
  readonly spec: HttpApiSpec;
  /** TCP port on 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** By function name. */
  readonly functions: ReadonlyMap<string, LambdaFunction>;
  /** Answers what is served beside the routes, and whether the request was for that. Default: nothing is. */
  readonly pages?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  readonly onRequest: (report: RequestReport) => void;
}

/** One request, once it has been answered. */
export interface RequestReport {
  readonly api: HttpApiSpec;
  readonly status: number;
  /** From the request's arrival to its answer, in milliseconds. */
  readonly latencyMs: number;
}

/** An HTTP API on this machine. */
export interface HttpApi {
  readonly spec: HttpApiSpec;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  stop(): Promise<void>;
}

/** The largest request that an HTTP API takes, in bytes. */
const LARGEST_BODY = 10 * 1024 * 1024;

/** Lambda starts an environment for each request at once; one machine has only so many, and lets the rest queue. */
const MOST_INVOCATIONS = 8;

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly cookies?: readonly string[];
  readonly body: string | Uint8Array;
}

/** Serves the routes of a synthesised HTTP API as API Gateway would, but for authorisation, which is not checked. */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const gateway = new Gateway(options);
  const server = createServer((request, response) => {
    // A caller that leaves in the middle of its request is not there to be told.
    gateway.respond(request, response).catch((error: Error) => response.destroy(error));
  });
  const port = await listenOnLoopback(server, options.port, options.spec.cors?.allow_origins).catch(
    (error: unknown) => {
      if (systemErrorCode(error) !== "EADDRINUSE") throw error;
      throw new UserError(`Port ${options.port} is taken. Choose another with --api-port <number>.`);
    },
  );
  return {
    spec: options.spec,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      gateway.stop();
      await closed;
    },
  };
}

class Gateway {
  readonly #options: HttpApiOptions;
  readonly #bucket: TokenBucket | undefined;
  readonly #inTurn = pLimit(MOST_INVOCATIONS);

  constructor(options: HttpApiOptions) {
    this.#options = options;
    this.#bucket = options.spec.throttling && new TokenBucket(options.spec.throttling);
  }

  /** Drops the invocations that wait for their turn. */
  stop(): void {
    this.#inTurn.clearQueue();
  }

  async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.#options.pages?.(request, response)) return;
    const arrived = performance.now();
    const { status, headers, cookies = [], body } = await this.#answer(request);
    const { spec, onRequest } = this.#options;
    onRequest({ api: spec, status, latencyMs: performance.now() - arrived });
    const all = { ...headers, ...corsHeaders(spec.cors, request.headers.origin) };
    response.setHeaders(new Map(Object.entries(all)));
    if (cookies.length > 0) response.setHeader("set-cookie", cookies);
    response.writeHead(status).end(body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { cors, routes } = this.#options.spec;
    const preflight = preflightHeaders(cors, request);
    if (preflight !== undefined) return { status: 204, headers: preflight, body: "" };
    if (this.#bucket?.take() === false) return ownAnswer(429, "Too Many Requests");
    const body = await readBody(request, LARGEST_BODY);
    if (body === undefined) return ownAnswer(413, "Request Entity Too Large");
    const url = toUrl(request);
    if (url === undefined) return ownAnswer(400);
    const match = matchRoute(routes, request.method ?? "GET", url.pathname);
    if (match === undefined) return ownAnswer(404);
    return this.#invoke(match.route, toEvent({ request, url, body, ...match }));
  }

  async #invoke({ functionName, timeoutMs }: RouteSpec, event: object): Promise<Answer> {
    const target = this.#options.functions.get(functionName);
    if (target === undefined) throw new Error(`The function ${functionName} does not run here.`);
    // Lambda throttles by what is under way, whether or not this machine has got round to it.
    const invoke = target.reserve();
    if (invoke === undefined) return ownAnswer(503);
    const outcome = await this.#inTurn(() => withinLimit(invoke(event), timeoutMs));
    if (outcome === "timeout") return ownAnswer(503);
    return outcome.type === "result" ? fromPayload(outcome.payload) : ownAnswer(500);
  }
}

/** API Gateway's throttling: a bucket of tokens that fills up at a steady rate; each request takes one. */
class TokenBucket {
  readonly #spec: ThrottlingSpec;
  #tokens: number;
  #filledAt = performance.now();

  constructor(spec: ThrottlingSpec) {
    this.#spec = spec;
    this.#tokens = spec.burst;
  }

  /** Whether there was a token to take. */
  take(): boolean {
    const now = performance.now();
    const gained = ((now - this.#filledAt) / 1000) * this.#spec.ratePerSecond;
    this.#tokens = Math.min(this.#spec.burst, this.#tokens + gained);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

const resultSchema = z.object({
  statusCode: z.int().min(100).max(599),
  headers: z.record(z.string(), z.coerce.string()).default({}),
  cookies: z.array(z.string()).default([]),
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
});

/** An answer with a status code is taken as it is; anything else is the body of a 200. */
function fromPayload(payload: unknown): Answer {
  if (typeof payload !== "object" || payload === null || !("statusCode" in payload)) {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload);
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }
  const result = resultSchema.safeParse(payload);
  if (!result.success) return ownAnswer(500);
  const { statusCode, headers, cookies, body, isBase64Encoded } = result.data;
  return {
    status: statusCode,
    headers,
    cookies,
    body: isBase64Encoded ? Buffer.from(body, "base64") : body,
  };
}

/** What the gateway says by itself. */
function ownAnswer(status: number, message = STATUS_CODES[status]): Answer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify({ message }) };
}

/** Undefined where the request's target is not percent-encoded as it should be. */
function toUrl(request: IncomingMessage): URL | undefined {
  try {
    const url = new URL(request.url ?? "/", "http://localhost");
    decodeURIComponent(url.pathname);
    return url;
  } catch {
    return undefined;
  }
}
