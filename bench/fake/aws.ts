// A process that answers like the parts of AWS that the consumer calls, does no work of its own, and counts the calls.
// It costs everything that is measured against it the same.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../../local/loopback.ts";
import { makePicture } from "./model.ts";

/** The size of a picture of 1024 × 1024 as PNG. */
const PICTURE = makePicture(1_400_000);
const MODEL_ANSWER = Buffer.from(
  JSON.stringify({ seeds: [1], finish_reasons: [null], images: [PICTURE.toString("base64")] }),
);

const objects = new Map<string, { readonly etag: string; readonly body: Buffer }>();
const calls = new Map<string, number>();

const server = createServer((request, response) => void answer(request, response));
const port = await listenOnLoopback(server);
process.send?.({ endpoint: `http://127.0.0.1:${port}` });
process.once("disconnect", () => process.exit());

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const path = decodeURIComponent((request.url ?? "").replace(/\?.*$/, ""));
  const operation = request.headers["x-amz-target"];
  if (path === "/_calls") {
    reply(response, 200, JSON.stringify(Object.fromEntries(calls)));
    calls.clear();
  } else if (typeof operation === "string") {
    count(operation.replace("AmazonSQS.", "SQS ").replace("AWSEvents.", "EventBridge "));
    reply(response, 200, JSON.stringify({ FailedEntryCount: 0, Entries: [] }));
  } else if (path.startsWith("/model/")) {
    count("Bedrock InvokeModel");
    reply(response, 200, MODEL_ANSWER, { "content-type": "application/json" });
  } else {
    const kind = path.includes("/images/") ? "picture" : path.includes("/index/") ? "index" : "record";
    count(`S3 ${request.method} ${kind}`);
    answerS3(request, response, path, Buffer.concat(chunks));
  }
}

function answerS3(request: IncomingMessage, response: ServerResponse, key: string, body: Buffer): void {
  const existing = objects.get(key);
  if (request.method !== "PUT") {
    if (existing === undefined) reply(response, 404, "<Error><Code>NoSuchKey</Code></Error>");
    else reply(response, 200, existing.body, { etag: existing.etag });
    return;
  }
  const { "if-none-match": ifNoneMatch, "if-match": ifMatch } = request.headers;
  if ((ifNoneMatch && existing) || (ifMatch && ifMatch !== existing?.etag)) {
    reply(response, 412, "<Error><Code>PreconditionFailed</Code></Error>");
    return;
  }
  const etag = `"${createHash("md5").update(body.subarray(0, 4096)).digest("hex")}"`;
  objects.set(key, { etag, body });
  reply(response, 200, "", { etag });
}

function reply(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers?: OutgoingHttpHeaders,
): void {
  response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers }).end(body);
}

function count(call: string): void {
  calls.set(call, (calls.get(call) ?? 0) + 1);
}
