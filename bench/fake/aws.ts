// A process that answers like the parts of AWS that the consumer calls, does no work of its own, and counts the calls.
// What it costs is the same for everything that is measured against it.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { listenOnLoopback } from "../../local/loopback.ts";
import { MODEL_ANSWER } from "./picture.ts";

const latencyMs = Number(process.argv[2] ?? 0);
const objects = new Map<string, { readonly etag: string; readonly body: Buffer; readonly headers: object }>();
const calls = new Map<string, number>();

const server = createServer((request, response) => void answer(request, response));
const port = await listenOnLoopback(server);
process.send?.({ endpoint: `http://127.0.0.1:${port}` });
process.once("disconnect", () => process.exit());

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const path = decodeURIComponent((request.url ?? "").replace(/\?.*$/, ""));
  if (path === "/_calls") {
    response.end(JSON.stringify(Object.fromEntries(calls)));
    calls.clear();
    return;
  }
  const operation = request.headers["x-amz-target"];
  if (typeof operation === "string") {
    count(operation.replace("AmazonSQS.", "SQS "));
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end("{}");
  } else if (path.startsWith("/model/")) {
    count("Bedrock InvokeModel");
    await setTimeout(latencyMs);
    response.writeHead(200, { "content-type": "application/json", "content-length": MODEL_ANSWER.length });
    response.end(MODEL_ANSWER);
  } else {
    count(`S3 ${request.method} ${path.includes("/images/") ? "picture" : "record"}`);
    answerS3(request, response, path, body);
  }
}

function answerS3(request: IncomingMessage, response: ServerResponse, key: string, body: Buffer): void {
  const existing = objects.get(key);
  if (request.method !== "PUT") {
    if (existing === undefined) {
      fail(response, 404, "NoSuchKey");
      return;
    }
    response.writeHead(200, {
      ...existing.headers,
      etag: existing.etag,
      "content-length": existing.body.length,
    });
    response.end(request.method === "GET" ? existing.body : undefined);
    return;
  }
  const { "if-none-match": ifNoneMatch, "if-match": ifMatch } = request.headers;
  if (
    (ifNoneMatch !== undefined && existing !== undefined) ||
    (ifMatch !== undefined && ifMatch !== existing?.etag)
  ) {
    fail(response, 412, "PreconditionFailed");
    return;
  }
  const etag = `"${createHash("md5").update(body.subarray(0, 4096)).digest("hex")}"`;
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(
      ([name]) => name.startsWith("x-amz-meta-") || name === "content-type",
    ),
  );
  objects.set(key, { etag, headers, body });
  response.writeHead(200, { etag }).end();
}

function fail(response: ServerResponse, status: number, code: string): void {
  response
    .writeHead(status, { "content-type": "application/xml" })
    .end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function count(call: string): void {
  calls.set(call, (calls.get(call) ?? 0) + 1);
}
