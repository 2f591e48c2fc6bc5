import { hash, randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { outlivedItsInvocation } from "../lambda/frozen-connections.ts";
import { listenOnLoopback, readBody } from "../loopback.ts";
import { PainterPool, type PaintJob } from "./painter-pool.ts";
import { checkRequest, type StabilityRequest } from "./stability-api.ts";
import { type CallOutcome, FaultScript, type Trouble, troubleSchema } from "./trouble.ts";

/** Made up, like the model: a prompt with this word is blocked, so that blocked prompts can be tried out. */
export const FORBIDDEN_WORD = "forbidden-content";

/** InvokeModel's own limit, in bytes. */
const LARGEST_BODY = 25_000_000;
const LARGEST_SEED = 4_294_967_294;

/** A picture the account would pay for. */
export interface PaidCall {
  readonly modelId: string;
  readonly seed: number;
  /** Hexadecimal; the prompt itself stays with its writer. */
  readonly promptSha256: string;
  /** Hexadecimal: what was painted. */
  readonly imageSha256: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Who makes the pictures. */
export interface Painter {
  paint(job: PaintJob): Promise<Buffer>;
  stop(): Promise<void>;
}

export interface Bedrock {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** Every picture paid for, oldest first; also at `GET /_bill`. */
  readonly bill: readonly PaidCall[];
  /** Every call that came in, by model, oldest first; paid or not. */
  readonly calls: readonly string[];
  /** How the model misbehaves. */
  readonly trouble: Trouble;
  /** From now on the model misbehaves like this; scripts start again. Also by `PUT /_trouble`. */
  setTrouble(trouble: Trouble): void;
  stop(): Promise<void>;
}

/** What goes back over the wire. */
interface Answer {
  readonly status: number;
  readonly errorType?: string;
  readonly body: unknown;
}

const ERROR_STATUS: Readonly<Partial<Record<CallOutcome, number>>> = {
  ThrottlingException: 429,
  ModelNotReadyException: 429,
  InternalServerException: 500,
  ServiceUnavailableException: 503,
  ModelTimeoutException: 408,
  ModelErrorException: 424,
  ServiceQuotaExceededException: 400,
  ValidationException: 400,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
};

/** Trouble that the models report with HTTP 200 and without a picture. */
const FINISH_REASON: Readonly<Partial<Record<CallOutcome, string>>> = {
  InferenceError: "Inference error",
  FilteredPrompt: "Filter reason: prompt",
  FilteredImage: "Filter reason: output image",
};

/** Starts a server that speaks Amazon Bedrock's InvokeModel and paints stand-in pictures. */
export async function startBedrock(
  trouble: Trouble = {},
  painter: Painter = new PainterPool(),
): Promise<Bedrock> {
  const model = new StandInModel(trouble, painter);
  const server = createServer((request, response) => void model.handle(request, response));
  const port = await listenOnLoopback(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bill: model.bill,
    calls: model.calls,
    get trouble() {
      return model.trouble;
    },
    setTrouble: (next) => model.setTrouble(next),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      // Hanging calls would keep the server open for ever.
      server.closeAllConnections();
      await Promise.all([closed, model.stop()]);
    },
  };
}

/** What AWS says, where the words help. */
const MESSAGES: Readonly<Partial<Record<CallOutcome, string>>> = {
  ThrottlingException: "Too many requests, please wait before trying again.",
  ValidationException: "Invocation of this model ID with on-demand throughput isn't supported.",
  AccessDeniedException:
    "Model access is denied: the AWS Marketplace agreement for this model is missing (aws-marketplace:Subscribe, aws-marketplace:ViewSubscriptions).",
};

const agreementSchema = z.object({ modelId: z.string() });

interface Invocation {
  readonly modelId: string;
  readonly region: string | undefined;
  readonly body: string;
}

class StandInModel {
  readonly bill: PaidCall[] = [];
  readonly calls: string[] = [];
  readonly #painter: Painter;
  readonly #underWay = new Map<string, number>();
  readonly #stopping = new AbortController();
  trouble: Trouble;
  #script: FaultScript;

  constructor(trouble: Trouble, painter: Painter) {
    this.trouble = trouble;
    this.#painter = painter;
    this.#script = new FaultScript(trouble);
  }

  setTrouble(trouble: Trouble): void {
    this.trouble = trouble;
    this.#script = new FaultScript(trouble);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#painter.stop();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (outlivedItsInvocation(request)) {
      request.socket.resetAndDestroy();
      return;
    }
    try {
      const { status, errorType, body } = await this.#answer(request, response);
      response.writeHead(status, {
        "content-type": "application/json",
        "x-amzn-requestid": randomUUID(),
        ...(errorType !== undefined && { "x-amzn-errortype": errorType }),
      });
      response.end(JSON.stringify(body));
    } catch (error) {
      // While stopping, and for a caller that has left, there is nobody to tell.
      if (!this.#stopping.signal.aborted && !response.destroyed) {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    if (request.method === "GET" && request.url === "/_bill") return { status: 200, body: this.bill };
    if (request.method === "PUT" && request.url === "/_trouble") {
      const { success, data, error } = troubleSchema.safeParse(await json(request).catch(() => "not JSON"));
      if (!success) return failure(400, "ValidationException", z.prettifyError(error));
      this.setTrouble(data);
      return { status: 200, body: data };
    }
    if (request.method === "POST" && request.url === "/create-foundation-model-agreement") {
      const { modelId } = agreementSchema.parse(await json(request));
      this.#script.agree(modelId);
      return { status: 202, body: { modelId } };
    }
    const modelId = /^\/model\/([^/]+)\/invoke$/.exec(request.url ?? "")?.[1];
    if (request.method !== "POST" || modelId === undefined) {
      return failure(404, "UnknownOperationException", "The stand-in model answers InvokeModel only.");
    }
    const body = await readBody(request, LARGEST_BODY);
    if (body === undefined) return failure(400, "ValidationException", "The request is too large.");
    const [, region] = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? "") ?? [];
    return this.#invoke({ modelId: decodeURIComponent(modelId), region, body: body.toString() }, response);
  }

  async #invoke({ modelId, region, body }: Invocation, response: ServerResponse): Promise<Answer> {
    this.calls.push(modelId);
    const underWay = this.#underWay.get(modelId) ?? 0;
    const outcome = this.#script.outcome(modelId, underWay);
    this.#underWay.set(modelId, underWay + 1);
    try {
      if (outcome === "reset") response.destroy();
      if (outcome === "reset" || outcome === "hang") {
        await once(response, "close");
        throw new Error("The caller has left.");
      }
      const status = ERROR_STATUS[outcome];
      if (status !== undefined)
        return failure(status, outcome, MESSAGES[outcome] ?? `The stand-in model answers ${outcome}.`);
      const check = checkRequest(modelId, region, body);
      if (check.type === "retired") {
        return failure(
          404,
          "ResourceNotFoundException",
          "This model version has reached the end of its life.",
        );
      }
      if (check.type === "invalid") return failure(400, "ValidationException", check.message);
      await setTimeout(this.#script.latencyMs(modelId), undefined, { signal: this.#stopping.signal });
      // The models draw one where they are given 0.
      const seed = check.request.seed === 0 ? randomInt(1, LARGEST_SEED + 1) : check.request.seed;
      const asked = { ...check.request, seed };
      const reason = FINISH_REASON[this.#filter(modelId, asked) ?? outcome];
      const answer = reason === undefined ? await this.#paint(modelId, asked) : { finish_reasons: [reason] };
      return { status: 200, body: answer };
    } finally {
      this.#underWay.set(modelId, (this.#underWay.get(modelId) ?? 1) - 1);
    }
  }

  #filter(modelId: string, { prompt, seed }: StabilityRequest): CallOutcome | undefined {
    if (prompt.includes(FORBIDDEN_WORD)) return "FilteredPrompt";
    return this.#script.filtersImage(modelId, prompt, seed) ? "FilteredImage" : undefined;
  }

  async #paint(modelId: string, request: StabilityRequest): Promise<object> {
    const { seed } = request;
    const image = await this.#painter.paint({
      prompt: request.prompt,
      ...(request.negative_prompt !== undefined && { negativePrompt: request.negative_prompt }),
      aspectRatio: request.aspect_ratio,
      seed,
      outputFormat: request.output_format,
    });
    // Paid from here on, whether or not the caller still waits for the answer.
    const [promptSha256, imageSha256] = [hash("sha256", request.prompt), hash("sha256", image)];
    this.bill.push({ modelId, seed, promptSha256, imageSha256, at: new Date().toISOString() });
    return { seeds: [seed], finish_reasons: [null], images: [image.toString("base64")] };
  }
}

function failure(status: number, errorType: string, message: string): Answer {
  return { status, errorType, body: { message } };
}
