import { randomUUID } from "node:crypto";
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Images } from "../functions/domain/images.ts";
import { Ledger } from "../functions/domain/ledger.ts";
import { ObjectStore } from "../functions/domain/object-store.ts";
import type { RequestRecord } from "../functions/domain/record.ts";
import { RecordStore } from "../functions/domain/record-store.ts";
import { cancelRequest, deleteRequest, type WithdrawOptions } from "../functions/domain/withdraw.ts";
import { ApiBench } from "./support/api-bench.ts";
import { askedRecord } from "./support/sample-request.ts";

const PROMPT = { prompt: "Me on top of K2" };

let api: ApiBench;
let options: WithdrawOptions;
let images: Images;
/** Of what this test's caller asks for. */
let owner: string | undefined;
beforeAll(async () => {
  api = await ApiBench.start({ consumer: false });
  const store = new ObjectStore(api.cloud.s3, api.cloud.bucket);
  images = new Images(store, "");
  const records = new RecordStore(store, "");
  options = { store, records, images, keyPrefix: "", codeVersion: "test", ifUnknown: "close" };
  const { body } = await api.generate(PROMPT);
  owner = (await records.read(body.requestId ?? ""))?.record.owner;
  await cancel(body.requestId ?? "");
});
afterAll(() => api[Symbol.asyncDispose]());

const PAINTING = { seed: 7, model: "m", region: "r", modelMs: 1, costUsd: 1 };

const cancel = (id: string) => api.call(`/requests/${id}/cancel`, { method: "POST" });
const erase = (id: string, bench = api) => bench.call(`/requests/${id}`, { method: "DELETE" });

const at = (ms: number) => new Date(Date.now() + ms).toISOString();

function generating(requestId: string, lease: { owner: string; expiresAt: string } | null): RequestRecord {
  return {
    ...askedRecord(requestId),
    owner,
    status: "generating",
    timings: { queuedAt: at(-600_000), startedAt: at(-500_000) },
    lease,
  };
}

const put = (Key: string, Body: string) =>
  api.cloud.s3.send(new PutObjectCommand({ Bucket: api.cloud.bucket, Key, Body }));
const putRecord = (record: RequestRecord) => put(`requests/${record.requestId}.json`, JSON.stringify(record));

/** What S3 lists for a request, delete markers included. */
async function versionsOf(requestId: string, { cloud } = api): Promise<string[]> {
  const { Versions = [], DeleteMarkers = [] } = await cloud.s3.send(
    new ListObjectVersionsCommand({ Bucket: cloud.bucket }),
  );
  return [...Versions, ...DeleteMarkers].flatMap(({ Key = "" }) => (Key.includes(requestId) ? [Key] : []));
}

/** A request that was painted. */
async function paint(prompt: string, bench = api): Promise<string> {
  const { body } = await bench.generate({ prompt });
  await drain(bench);
  return body.requestId ?? "";
}

/** Lets the consumer take what is on the queue, to the end. */
async function drain(bench = api): Promise<void> {
  const [source] = bench.cloud.eventSources;
  source?.enable();
  await vi.waitUntil(async () => (await bench.onQueue()) === 0, { timeout: 20_000, interval: 100 });
  await source?.disable();
}

describe("cancelling", () => {
  it("a request that waits: it is never painted, nothing is paid, and its message goes", async () => {
    const paid = api.paid;
    const key = { "idempotency-key": randomUUID() };
    const { body } = await api.generate(PROMPT, key);
    expect(await cancel(body.requestId ?? "")).toMatchObject({
      status: 200,
      body: { ...PROMPT, status: "cancelled" },
    });
    await drain();
    expect(await api.generate(PROMPT, key)).toMatchObject({ status: 200, body: { status: "cancelled" } });
    expect(api.paid).toBe(paid);
  });

  it("a second time changes nothing", async () => {
    const id = (await api.generate(PROMPT)).body.requestId ?? "";
    const first = await cancel(id);
    expect((await cancel(id)).body).toEqual(first.body);
  });

  it("one that waits for its next try", async () => {
    await putRecord(generating("next-try", null));
    expect(await cancel("next-try")).toMatchObject({
      status: 200,
      body: { status: "cancelled", attempts: 1 },
    });
  });

  it("one that is being painted is refused, and told until when it can be", async () => {
    await putRecord(generating("painting", { owner: "somebody", expiresAt: at(60_000) }));
    const { status, fields, headers, body } = await cancel("painting");
    expect([status, fields]).toEqual([409, ["id"]]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(50);
    expect(body.detail).toContain("is being painted and cannot be stopped");
  });

  it("one whose owner died is possible where it had stored no picture", async () => {
    await putRecord(generating("died-early", { owner: "somebody", expiresAt: at(-1) }));
    expect(await cancel("died-early")).toMatchObject({ status: 200 });
  });

  it("one whose owner died after it had stored the picture is refused: it is paid, and will be delivered", async () => {
    await putRecord(generating("died-late", { owner: "somebody", expiresAt: at(-1) }));
    await images.store(askedRecord("died-late"), Buffer.from("picture"), PAINTING);
    expect(await cancel("died-late")).toMatchObject({ status: 409, fields: ["id"] });
  });

  it.each(["succeeded", "failed", "rejected", "expired"] as const)(
    "one that has %s is refused",
    async (status) => {
      const id = `is-${status}`;
      const ended = { timings: { queuedAt: at(-9), startedAt: at(-8), finishedAt: at(-1), modelMs: 1 } };
      const reason = { code: "Any", message: "any" };
      const image = { bucket: "b", key: "k", contentType: "image/png", bytes: 1, sha256: "0" };
      const record = { ...askedRecord(id), owner, ...ended, reason };
      await putRecord(
        status === "succeeded"
          ? { ...record, status, image, model: "m", region: "r", costUsd: 1 }
          : status === "rejected"
            ? { ...record, status, body: JSON.stringify(PROMPT) }
            : { ...record, status },
      );
      expect(await cancel(id)).toMatchObject({ status: 409, fields: ["id"] });
    },
  );

  it("one that has no owner is for the operator", async () => {
    await putRecord({ ...generating("of-nobody", null), owner: undefined });
    expect((await cancel("of-nobody")).status).toBe(403);
    expect((await erase("of-nobody")).status).toBe(403);
    expect(await cancelRequest("of-nobody", options)).toMatchObject({ kind: "withdrawn" });
  });

  it("one of another caller is refused like one that never was", async () => {
    await putRecord({ ...generating("of-another", null), owner: "0".repeat(32) });
    expect(await cancel("of-another")).toMatchObject({ status: 404, fields: ["id"] });
    expect(await erase("of-another")).toMatchObject({ status: 404, fields: ["id"] });
  });

  it("one that never was, or under what is no id, is refused", async () => {
    expect(await cancel("never-was")).toMatchObject({ status: 404, fields: ["id"] });
    expect(await cancel("no.id")).toMatchObject({ status: 400, fields: ["id"] });
  });
});

describe("deleting", () => {
  it("a painted request erases every version of its record and its picture, and leaves a mark without a prompt", async () => {
    const id = await paint("a glacier that nobody else may see");
    expect((await versionsOf(id)).length).toBeGreaterThan(3);
    expect((await erase(id)).status).toBe(204);
    expect(await versionsOf(id)).toEqual([`requests/${id}.json`]);
    const mark = await options.store.getText(`requests/${id}.json`);
    expect(Object.keys(JSON.parse(mark?.text ?? ""))).toEqual([
      "requestId",
      "status",
      "owner",
      "createdAt",
      "deletedAt",
    ]);
  });

  it("a request makes it unknown, and its id unusable", async () => {
    const key = { "idempotency-key": randomUUID() };
    const id = (await api.generate(PROMPT, key)).body.requestId ?? "";
    await erase(id);
    expect(await api.call(`/requests/${id}`)).toMatchObject({ status: 404, fields: ["id"] });
    expect(await cancel(id)).toMatchObject({ status: 404, fields: ["id"] });
    expect(await api.generate(PROMPT, key)).toMatchObject({ status: 409, fields: ["Idempotency-Key"] });
  });

  it("a request whose message is still on the queue: nothing is painted, and no record has its prompt again", async () => {
    const paid = api.paid;
    const id = (await api.generate(PROMPT)).body.requestId ?? "";
    await erase(id);
    await drain();
    expect(api.paid).toBe(paid);
    expect(await versionsOf(id)).toEqual([`requests/${id}.json`]);
  });

  it("a request twice answers the same, and completes what was interrupted", async () => {
    const id = await paint("half erased");
    const painted = await options.records.read(id);
    const createdAt = painted?.record.createdAt;
    await putRecord({ requestId: id, status: "deleted", owner, createdAt, deletedAt: at(-1000) });
    expect((await versionsOf(id)).length).toBeGreaterThan(3);
    expect((await erase(id)).status).toBe(204);
    expect((await erase(id)).status).toBe(204);
    expect(await versionsOf(id)).toEqual([`requests/${id}.json`]);
  });

  it("a request with more versions than a page, and delete markers among them", async () => {
    const record = generating("many", null);
    for (let writes = 0; writes < 120; writes++)
      await put("requests/many.json", JSON.stringify({ ...record, attempts: writes }));
    await put("images/many.jpeg", "picture");
    await api.cloud.s3.send(new DeleteObjectCommand({ Bucket: api.cloud.bucket, Key: "images/many.jpeg" }));
    expect(await versionsOf("many")).toHaveLength(122);
    expect((await erase("many")).status).toBe(204);
    expect(await versionsOf("many")).toEqual(["requests/many.json"]);
  });

  it("leaves requests whose ids begin alike", async () => {
    await putRecord(generating("alike", null));
    await putRecord(generating("alike-2", null));
    await erase("alike");
    expect(await versionsOf("alike-2")).toEqual(["requests/alike-2.json"]);
  });

  it("a request that is being painted is refused, and told until when it can be", async () => {
    await putRecord(generating("painted-now", { owner: "somebody", expiresAt: at(60_000) }));
    const { status, fields, headers } = await erase("painted-now");
    expect([status, fields]).toEqual([409, ["id"]]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(50);
  });

  it("one that never was is refused", async () => {
    expect(await erase("never-was")).toMatchObject({ status: 404, fields: ["id"] });
  });

  it("works in a bucket that keeps no versions", async () => {
    await using bench = await ApiBench.start({
      consumer: false,
      settings: { imageBucket: { kind: "existing", name: "theirs", keyPrefix: "pictures/" } },
    });
    const id = await paint("their fjord", bench);
    expect(await versionsOf(id, bench)).toHaveLength(3);
    expect((await erase(id, bench)).status).toBe(204);
    expect(await versionsOf(id, bench)).toEqual([`pictures/requests/${id}.json`]);
  });
});

describe("before anybody has begun with a prompt, the operator", () => {
  it.each([
    ["cancels", cancelRequest],
    ["deletes", deleteRequest],
  ] as const)("%s it, and its message is done when it comes", async (_, withdraw) => {
    const requestId = randomUUID();
    const paid = api.paid;
    await withdraw(requestId, options);
    await api.cloud.sqs.send(
      new SendMessageCommand({
        QueueUrl: api.cloud.queueUrl,
        MessageBody: JSON.stringify({ requestId, ...PROMPT }),
      }),
    );
    await drain();
    expect(api.paid).toBe(paid);
  });
});

describe("at the same moment as a claim", () => {
  it.each([
    ["a cancel", cancelRequest],
    ["a delete", deleteRequest],
  ] as const)("%s either comes first and nothing is painted, or is refused", async (_, withdraw) => {
    const ledger = new Ledger({ ...options, leaseMs: 60_000 });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const asked = askedRecord(`raced-${withdraw.name}-${index}`);
        const withdrawal = withdraw(asked.requestId, options);
        // Half of them begin when the other has read the record.
        if (index % 2 === 0) await options.records.read(asked.requestId);
        const claim = await ledger.claim(asked, new Date());
        return `${claim.kind}, ${(await withdrawal).kind}`;
      }),
    );
    for (const outcome of outcomes) expect(["claimed, painting", "closed, withdrawn"]).toContain(outcome);
    expect(outcomes).toContain("closed, withdrawn");
  });
});

describe("events", () => {
  const told: string[] = [];
  beforeAll(() => {
    api.cloud.events.on("event", ({ detail }) => told.push(String(detail.eventId)));
  });
  const toldOf = (requestId: string) => told.filter((id) => id.startsWith(`${requestId}:`));

  it("tell of a request that is cancelled, and of one that is deleted", async () => {
    const { body } = await api.generate(PROMPT);
    const id = body.requestId ?? "";
    await cancel(id);
    expect(toldOf(id)).toEqual([expect.stringMatching(`^${id}:cancelled:`)]);
    await erase(id);
    expect(toldOf(id)).toEqual([expect.anything(), expect.stringMatching(`^${id}:deleted:`)]);
  });

  it.each([
    ["cancels", cancel, 200],
    ["deletes", erase, 204],
  ])("that could not be told are told when the caller %s again", async (_, withdraw, status) => {
    const { body } = await api.generate(PROMPT);
    const id = body.requestId ?? "";
    api.cloud.eventBridge.setTrouble({ entries: "ThrottlingException", next: 1 });
    const refused = await withdraw(id);
    expect([refused.status, refused.headers.get("retry-after"), toldOf(id)]).toEqual([503, "2", []]);
    expect((await withdraw(id)).status).toBe(status);
    expect(toldOf(id)).toHaveLength(1);
  });
});

describe("a deleted request whose message can be no request", () => {
  it("stays deleted when the message is delivered again, and its words come back under no id", async () => {
    const requestId = randomUUID();
    const message = { id: randomUUID(), body: `word-${requestId}`, sentAt: new Date() };
    const ledger = new Ledger({ ...options, leaseMs: 1000 });
    await ledger.rejectUnread(message, requestId, { code: "InvalidRequest", message: "no prompt" });
    await deleteRequest(requestId, options);
    const late = await ledger.rejectUnread(message, requestId, {
      code: "InvalidRequest",
      message: "no prompt",
    });
    expect(late.status).toBe("deleted");
    expect(await versionsOf(message.id)).toEqual([]);
  });
});
