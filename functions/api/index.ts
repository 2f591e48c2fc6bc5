import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Context } from "aws-lambda";
import { CALL_LIMITS } from "../domain/call-limits.ts";
import { errorName } from "../domain/error-name.ts";
import { Events } from "../domain/events.ts";
import { Images } from "../domain/images.ts";
import { messageBody } from "../domain/message-body.ts";
import { ObjectStore } from "../domain/object-store.ts";
import type { CancelledRecord, DeletedRecord, RequestRecord, VisibleRecord } from "../domain/record.ts";
import { RecordStore } from "../domain/record-store.ts";
import { partsOf } from "../domain/request.ts";
import { RequestIndex } from "../domain/request-index.ts";
import { isRoute, methodsOf, type Route } from "../domain/routes.ts";
import { SECONDS_PER_PICTURE } from "../domain/timing.ts";
import { cancelRequest, deleteRequest, type WithdrawOptions } from "../domain/withdraw.ts";
import { Backlog, type Expectation } from "./backlog.ts";
import { callerGroup, isReadable, readOwner } from "./caller.ts";
import { type HttpAnswer, HttpProblem, type HttpRequest, jsonAnswer, notFound } from "./http.ts";
import { Intake } from "./intake.ts";
import { Page } from "./page.ts";
import { readId, readOrder, readPageQuery, readWait } from "./read-request.ts";
import { readPage } from "./request-list.ts";
import { linkTo, type RequestView, viewOf } from "./request-view.ts";
import { readSettings } from "./settings.ts";
import { isOpen, waitFor } from "./wait.ts";
import { withdrawnRecord } from "./withdrawal.ts";

const settings = readSettings(process.env);
const sqs = new SQSClient({ requestHandler: CALL_LIMITS });
const s3 = new S3Client({ requestHandler: CALL_LIMITS });
const place = { bucket: settings.IMAGE_BUCKET, keyPrefix: settings.KEY_PREFIX };
const store = new ObjectStore(s3, place.bucket);
const records = new RecordStore(store, place.keyPrefix);
const events = new Events(settings.EVENT_BUS);
const index = new RequestIndex(store, place.keyPrefix);
const withdrawOptions: WithdrawOptions = {
  store,
  records,
  images: new Images(store, place.keyPrefix),
  keyPrefix: place.keyPrefix,
  codeVersion: settings.CODE_VERSION,
  ifUnknown: "leave",
};
const links = { s3, picturesDays: settings.PICTURES_DAYS };
const queueUrl = settings.SQS_QUEUE_URL;
const intake = new Intake({ records, index, sqs, queueUrl, codeVersion: settings.CODE_VERSION });
const backlog = new Backlog({ sqs, queueUrl, picturesAtOnce: settings.PICTURES_AT_ONCE });

const page = new Page({ s3, ...place, login: settings.LOGIN });

/** Kept free after a wait, in milliseconds: for the last look at the record, and the answer's way back. */
const ANSWERING_MS = 3_000;
/** When to ask again for a request that is being painted, in seconds. */
const NEARLY_DONE_SECONDS = 2;

const routes: Readonly<Record<Route, (event: HttpRequest, context: Context) => Promise<HttpAnswer>>> = {
  "POST /generate": generate,
  "GET /requests": list,
  "GET /requests/{id}": show,
  "POST /requests/{id}/cancel": cancel,
  "DELETE /requests/{id}": remove,
  "GET /requests/{id}/image": showImage,
  "GET /health": health,
};

/** Answers one request of the HTTP API. Never throws: whatever goes wrong is a problem+json. */
export async function handler(event: HttpRequest, context: Context): Promise<HttpAnswer> {
  try {
    const route = isRoute(event.routeKey) ? routes[event.routeKey] : undefined;
    return route === undefined ? await answerAnythingElse(event) : await route(event, context);
  } catch (error) {
    if (error instanceof HttpProblem) return error.toAnswer();
    console.error({ event: "not answered", route: event.routeKey, error });
    return new HttpProblem(
      500,
      "Something is wrong on our side. Sending the request again may help.",
    ).toAnswer();
  }
}

async function generate(event: HttpRequest, context: Context): Promise<HttpAnswer> {
  const wait = readWait(event);
  const owner = readOwner(event);
  const { request, count } = readOrder(event, owner);
  const body = messageBody(count === 1 ? request : { ...request, count });
  const accepted = await intake.accept(partsOf(request, count), body, { group: callerGroup(event), owner });
  switch (accepted.kind) {
    case "accepted": {
      const [record, ...others] = accepted.records;
      if (record === undefined || others.length > 0) return answerWithAll(accepted.records);
      const location = `/requests/${request.requestId}`;
      return answerWith(record, wait, context, { location }, 202);
    }
    case "conflict":
    case "deleted": {
      const other = accepted.kind === "deleted" ? "a deleted request" : "a request for another picture";
      throw new HttpProblem(409, `The key belongs to ${other}.`, {
        errors: [
          {
            field: event.headers["idempotency-key"] === undefined ? "requestId" : "Idempotency-Key",
            message: "is taken: use a new one for a new picture",
          },
        ],
      });
    }
    case "not-queued":
      throw new HttpProblem(503, "The prompt could not be queued. Send the same request again.", {
        headers: { "retry-after": String(NEARLY_DONE_SECONDS) },
      });
  }
}

async function show(event: HttpRequest, context: Context): Promise<HttpAnswer> {
  const wait = readWait(event);
  return answerWith(await find(event), wait, context, {}, 200);
}

async function cancel(event: HttpRequest, context: Context): Promise<HttpAnswer> {
  const { requestId, status } = await findOwn(event);
  if (status === "deleted") throw notFound(requestId);
  const cancelled = withdrawnRecord(await cancelRequest(requestId, withdrawOptions), requestId);
  await tell(cancelled);
  return answerWith(cancelled, 0, context, {}, 200);
}

async function remove(event: HttpRequest): Promise<HttpAnswer> {
  const { requestId } = await findOwn(event);
  await tell(withdrawnRecord(await deleteRequest(requestId, withdrawOptions), requestId));
  return { statusCode: 204 };
}

/** Tells that a request was cancelled or deleted. A caller without an answer repeats, and it is told again. */
async function tell(record: CancelledRecord | DeletedRecord): Promise<void> {
  const { requestId, status } = record;
  try {
    await events.tell(record);
  } catch (error) {
    console.error({
      event: "not told",
      requestId,
      status,
      code: errorName(error),
    });
    throw new HttpProblem(
      503,
      `The request ${requestId} is ${status}, but that could not be told. Send the same request again.`,
      { headers: { "retry-after": String(NEARLY_DONE_SECONDS) } },
    );
  }
}

/** Leads to the picture: a path that stays the same, behind links that do not. */
async function showImage(event: HttpRequest): Promise<HttpAnswer> {
  const record = await find(event);
  if (record.status === "succeeded") {
    const link = await linkTo(record, links);
    if (link === undefined) throw new HttpProblem(410, "The picture was deleted: its days are over.");
    return { statusCode: 302, headers: { location: link.imageUrl, "cache-control": "no-store" } };
  }
  throw new HttpProblem(404, `The request has no picture: it is ${record.status}.`, {
    ...(isOpen(record) && { headers: { "retry-after": String(NEARLY_DONE_SECONDS) } }),
  });
}

/** The record that the path names. Throws {@link HttpProblem} where the caller has none. */
async function find(event: HttpRequest): Promise<RequestRecord> {
  const requestId = readId(event);
  const owner = readOwner(event);
  const found = await records.read(requestId);
  if (found === undefined || !isReadable(found.record, owner)) throw notFound(requestId);
  return found.record;
}

/** The record that the path names, where the caller may change it. Throws {@link HttpProblem}. */
async function findOwn(event: HttpRequest): Promise<RequestRecord> {
  const record = await find(event);
  if (record.owner === readOwner(event)) return record;
  throw new HttpProblem(
    403,
    `The request ${record.requestId} has no owner. Only an operator can cancel or delete it.`,
  );
}

async function list(event: HttpRequest): Promise<HttpAnswer> {
  const owner = readOwner(event);
  if (owner === undefined) {
    throw new HttpProblem(403, "The API is open to everybody, so nobody has a list of requests.");
  }
  const page = await readPage(owner, readPageQuery(event, owner), { s3, place, records });
  return jsonAnswer(200, { requests: await viewsOf(page.records), next: page.next });
}

/** Several requests as they stand, without a wait. */
async function answerWithAll(all: readonly RequestRecord[]): Promise<HttpAnswer> {
  const requests = await viewsOf(all.filter((record) => record.status !== "deleted"));
  if (!all.some(isOpen)) return jsonAnswer(200, { requests });
  const waits = requests.map((view) => (view.status === "queued" ? view.estimatedWaitSeconds : 0));
  return jsonAnswer(202, { requests }, { "retry-after": String(Math.max(NEARLY_DONE_SECONDS, ...waits)) });
}

async function viewsOf(all: readonly VisibleRecord[]): Promise<RequestView[]> {
  let expectation: Promise<Expectation> | undefined;
  const expectOnce = () => {
    expectation ??= backlog.expect();
    return expectation;
  };
  return Promise.all(all.map((record) => viewOf(record, links, expectOnce)));
}

async function health(): Promise<HttpAnswer> {
  return jsonAnswer(200, await backlog.health());
}

async function answerAnythingElse(event: HttpRequest): Promise<HttpAnswer> {
  const { rawPath, requestContext } = event;
  const { http } = requestContext;
  // Where API Gateway has no route for the page, it comes by way of $default, and with its authorisation.
  const found = http.method === "GET" ? await page.answer(event) : undefined;
  if (found !== undefined) return found;
  const methods = methodsOf(rawPath);
  if (methods.length === 0) throw new HttpProblem(404, "There is nothing at this path.");
  const headers = { allow: methods.join(", ") };
  // A browser's question before it calls from another origin: the gateway adds what it wants to know.
  if (http.method === "OPTIONS") return { statusCode: 204, headers };
  throw new HttpProblem(405, `${http.method} is not possible here, only ${headers.allow}.`, { headers });
}

/**
 * The request as it stands, or as it stands after a wait.
 * @param waitSeconds how long the caller would like to wait; the time that the function has left is the limit
 * @param openStatus the status where the picture is still to come
 */
async function answerWith(
  record: RequestRecord,
  waitSeconds: number,
  context: Context,
  headers: Readonly<Record<string, string>>,
  openStatus: 200 | 202,
): Promise<HttpAnswer> {
  const longest = Math.floor((context.getRemainingTimeInMillis() - ANSWERING_MS) / 1000);
  const wait = settings.MAY_WAIT === "true" ? Math.min(waitSeconds, longest) : 0;
  const waits = wait > 0 && isOpen(record) && !(await isHopeless(record, wait));
  const current = waits ? await waitFor(record, wait, records) : record;
  if (current.status === "deleted") throw notFound(current.requestId);
  if (current.status === "succeeded") backlog.learn(current);
  const view = await viewOf(current, links, () => backlog.expect());
  const retryAfter = view.status === "queued" ? view.estimatedWaitSeconds : NEARLY_DONE_SECONDS;
  return jsonAnswer(isOpen(current) ? openStatus : 200, view, {
    ...headers,
    ...(isOpen(current) && { "retry-after": String(retryAfter) }),
    ...(waits && { "preference-applied": `wait=${wait}` }),
  });
}

/** With so much on the queue that the picture cannot be there in time, waiting would only keep a function busy. */
async function isHopeless({ status }: RequestRecord, waitSeconds: number): Promise<boolean> {
  if (status !== "queued") return false;
  return (await backlog.expect()).estimatedWaitSeconds > waitSeconds + SECONDS_PER_PICTURE;
}
