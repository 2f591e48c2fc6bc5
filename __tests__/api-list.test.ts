import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordKey } from "../functions/domain/record.ts";
import { indexKey } from "../functions/domain/request-index.ts";
import { ApiBench, LOCAL_OWNER } from "./support/api-bench.ts";
import { startCallRecorder } from "./support/call-recorder.ts";
import { askedRecord } from "./support/sample-request.ts";

const BEN = { authorization: "AWS4-HMAC-SHA256 Credential=ben/20260101/eu-west-1/execute-api/aws4_request" };
const reason = { code: "Any", message: "any" };

/** Puts a failed request of the local caller there, as if it had been created so long ago. */
async function putRequest(
  { cloud: { s3, bucket: Bucket } }: ApiBench,
  requestId: string,
  secondsAgo: number,
) {
  const createdAt = new Date(Date.now() - secondsAgo * 1000).toISOString();
  const record = {
    ...askedRecord(requestId),
    ...{ owner: LOCAL_OWNER, createdAt, status: "failed", reason },
    timings: { queuedAt: createdAt, finishedAt: createdAt },
  };
  const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  await put(recordKey("", requestId), JSON.stringify(record));
  await put(indexKey("", record) ?? "", "");
}

describe("the list of requests", () => {
  let api: ApiBench;
  beforeAll(async () => {
    api = await ApiBench.start({ consumer: false });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it("has the caller's own, the newest first, in pages that follow one another", async () => {
    for (let age = 1; age <= 5; age++) await putRequest(api, `of-second-${age}`, age);
    const newest = await api.generate({ prompt: "K2" });
    await api.generate({ prompt: "K2" }, BEN);
    const seen: string[] = [];
    let next: string | undefined = "";
    for (let pages = 0; next !== undefined; pages++) {
      expect(pages).toBeLessThan(3);
      const page = await api.list(`limit=2${next && `&cursor=${next}`}`);
      seen.push(...page.requests.map(({ requestId }) => requestId));
      next = page.next;
    }
    const older = [1, 2, 3, 4, 5].map((age) => `of-second-${age}`);
    expect(seen).toEqual([newest.body.requestId, ...older]);
    // The SDK warns of a body whose length it does not send.
    expect(api.lines.filter((line) => line.includes("WARN") || line.includes("unknown length"))).toEqual([]);
  });

  it("can be filtered by status; a page that finds fewer than it may says where to go on", async () => {
    const waiting = await api.list("status=queued");
    expect(waiting.requests.map(({ status }) => status)).toEqual(["queued"]);
    const first = await api.list("status=failed&limit=2");
    expect(first.requests.map(({ requestId }) => requestId)).toEqual(["of-second-1", "of-second-2"]);
    const rest = await api.list(`status=failed&cursor=${first.next}`);
    expect(rest.requests).toHaveLength(3);
    expect(rest.next).toBeUndefined();
  });

  it("skips what is gone, and what only looks like the caller's", async () => {
    const { s3, bucket: Bucket } = api.cloud;
    const entry = indexKey("", {
      owner: LOCAL_OWNER,
      createdAt: new Date().toISOString(),
      requestId: "gone",
    });
    await s3.send(new PutObjectCommand({ Bucket, Key: entry, Body: "" }));
    const others = await api.generate({ prompt: "K2" }, BEN);
    const requestId = String(others.body.requestId);
    const planted = indexKey("", { owner: LOCAL_OWNER, createdAt: new Date().toISOString(), requestId });
    await s3.send(new PutObjectCommand({ Bucket, Key: planted, Body: "" }));
    const { requests } = await api.list();
    expect(requests.map((request) => request.requestId)).not.toContain("gone");
    expect(requests.map((request) => request.requestId)).not.toContain(requestId);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=ten", "limit"],
    ["limit=", "limit"],
    ["limit=1&limit=2", "limit"],
    ["cursor=", "cursor"],
    ["cursor=bm90IG9uZQ", "cursor"],
    ["status=done", "status"],
  ])("answers %s with a 400 that names the parameter", async (query, field) => {
    const answer = await api.call(`/requests?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.fields).toEqual([field]);
  });

  it("names everything that is wrong at once", async () => {
    expect((await api.call("/requests?limit=0&cursor=x&status=x")).fields).toEqual([
      "limit",
      "cursor",
      "status",
    ]);
  });

  it("refuses the cursor of another caller", async () => {
    const { next = "" } = await api.list("limit=1");
    const answer = await api.call(`/requests?cursor=${next}`, { headers: BEN });
    expect(answer.status).toBe(400);
    expect(answer.fields).toEqual(["cursor"]);
  });
});

it("where callers are not known, there is no list", async () => {
  const throttling = { burst: 2000, ratePerSecond: 500 };
  await using api = await ApiBench.start({
    consumer: false,
    settings: { api: { authorisation: { kind: "none" }, throttling } },
  });
  const { body } = await api.generate({ prompt: "K2" });
  expect(body.owner).toBeUndefined();
  expect((await api.call("/requests")).status).toBe(403);
});

it("a page makes as many calls of S3 as it has requests, and one more, however many there are", async () => {
  await using api = await ApiBench.start({ consumer: false });
  await using recorder = await startCallRecorder(api.cloud);
  for (let age = 1; age <= 40; age++) await putRequest(api, `of-second-${age}`, age);
  // More than S3 lists in one answer; their records are not looked at.
  const older = Array.from({ length: 1_200 }, (_, number) => {
    const createdAt = new Date(Date.now() - 60_000 - number).toISOString();
    return indexKey("", { owner: LOCAL_OWNER, createdAt, requestId: `older-${number}` });
  });
  const { s3, bucket: Bucket } = api.cloud;
  await Promise.all(older.map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: "" }))));
  const response = await fetch(`${recorder.apiUrl}/requests`, {
    headers: { authorization: "Credential=local/" },
  });
  expect(response.status).toBe(200);
  const actions = recorder.callsOf("image-api-dev").map(({ call }) => call.action);
  expect(Map.groupBy(actions, (action) => action).get("s3:ListBucket")).toHaveLength(1);
  expect(Map.groupBy(actions, (action) => action).get("s3:GetObject")).toHaveLength(24);
  expect(actions).toHaveLength(25);
});
