import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RequestEvent, requestEventSchema, TOLD_STATUSES } from "../functions/domain/events.ts";
import type { BusEvent } from "../local/eventbridge/put-events.ts";
import { FORBIDDEN_WORD } from "../local/model/bedrock.ts";
import { ConsumerBench } from "./support/consumer-bench.ts";
import { askedRecord, requestBody } from "./support/sample-request.ts";

/** A word that is in every prompt here, and may be in no event. */
const WORD = "xylophonist";
const LAST_RECEIVE = { receives: 10 };

let bench: ConsumerBench;
let taken: BusEvent[] = [];
beforeAll(async () => {
  bench = await ConsumerBench.start();
  bench.cloud.events.on("event", (event) => taken.push(event));
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  taken = [];
  bench.cloud.eventBridge.setTrouble({});
  bench.bedrock.setTrouble({ latencyMs: 0 });
});

function told(): RequestEvent[] {
  return taken.map(({ detail }) => requestEventSchema.parse(detail));
}
async function timingsOf(requestId: string) {
  const record = await bench.record(requestId);
  if (record.status === "deleted") throw new Error(`${requestId} is deleted`);
  return record.timings;
}
const idOf = (requestId: string, status: string, { finishedAt = "" }: { finishedAt?: string | undefined }) =>
  `${requestId}:${status}:${finishedAt}`;

describe("the consumer tells that a request", () => {
  it("has succeeded, with picture, model and cost, and not with its prompt", async () => {
    const { kept } = await bench.deliver([requestBody("done", { prompt: WORD })]);
    const timings = await timingsOf("done");
    expect(kept).toEqual([]);
    expect(taken).toEqual([
      expect.objectContaining({ source: "image-generation", "detail-type": "Request succeeded" }),
    ]);
    expect(told()).toEqual([
      expect.objectContaining({
        eventId: idOf("done", "succeeded", timings),
        status: "succeeded",
        costUsd: 0.04,
        image: expect.objectContaining({ key: "images/done.png" }),
        timings,
      }),
    ]);
    expect(JSON.stringify(taken)).not.toContain(WORD);
  });

  it.each([
    [
      "is not valid",
      JSON.stringify({ requestId: "no-field", prompt: WORD, colour: "red" }),
      "InvalidRequest",
    ],
    ["is blocked", requestBody("blocked", { prompt: `${WORD} ${FORBIDDEN_WORD}` }), "ContentFilter"],
  ])("was rejected, as it %s, with the code of the reason only", async (_, body, code) => {
    await bench.deliver([body]);
    expect(told()).toEqual([expect.objectContaining({ status: "rejected", reason: { code } })]);
    expect(JSON.stringify(taken)).not.toContain(WORD);
  });

  it("has failed, once its message has had its last receive", async () => {
    bench.bedrock.setTrouble({ every: "ModelErrorException" });
    await bench.deliver([requestBody("failing", { prompt: WORD })]);
    expect(told()).toEqual([]);
    await bench.deliver([requestBody("failing", { prompt: WORD })], LAST_RECEIVE);
    const timings = await timingsOf("failing");
    expect(told()).toEqual([
      expect.objectContaining({ status: "failed", eventId: idOf("failing", "failed", timings) }),
    ]);
    expect(JSON.stringify(taken)).not.toContain(WORD);
  });

  it("has expired", async () => {
    const sentAt = new Date(Date.now() - 60_000);
    await bench.deliver([requestBody("late", { expiresInSeconds: 1 })], { sentAt });
    expect(told()).toEqual([expect.objectContaining({ status: "expired" })]);
  });

  it("was cancelled or deleted, when it meets its record", async () => {
    const finishedAt = new Date().toISOString();
    await bench.putRecord({ ...askedRecord("stopped"), status: "cancelled", timings: { finishedAt } });
    await bench.putRecord({ requestId: "erased", status: "deleted", deletedAt: finishedAt });
    await bench.deliver([requestBody("stopped")]);
    await bench.deliver([requestBody("erased")]);
    expect(told().map(({ eventId }) => eventId)).toEqual([
      idOf("stopped", "cancelled", { finishedAt }),
      idOf("erased", "deleted", { finishedAt }),
    ]);
  });
});

describe("where EventBridge does not take the event", () => {
  it.each([
    ["the entry is refused, with HTTP 200", { entries: "ThrottlingException", next: 1 }],
    ["it throttles", { calls: "ThrottlingException" as const, next: 2 }],
    ["it fails", { calls: "InternalException" as const, next: 2 }],
  ])("as %s, the message stays, and is told later without another picture", async (name, trouble) => {
    const id = name.replaceAll(/\W/g, "-");
    bench.cloud.eventBridge.setTrouble(trouble);
    const { kept, log } = await bench.deliver([requestBody(id)]);
    expect([kept.length, told()]).toEqual([1, []]);
    expect(log).toContain('"Untold":1');
    const paid = bench.bedrock.bill.length;
    const again = await bench.deliver([requestBody(id)], { receives: 2 });
    expect([again.kept, told().length, bench.bedrock.bill.length]).toEqual([[], 1, paid]);
  });

  it("but did, and its answer is lost, it is told twice under one id", { timeout: 30_000 }, async () => {
    bench.cloud.eventBridge.setTrouble({ calls: "deaf", next: 1 });
    await bench.deliver([requestBody("twice")]);
    const ids = told().map(({ eventId }) => eventId);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });

  it("of a failure on the last receive, the message is re-sent and tried again", async () => {
    bench.bedrock.setTrouble({ every: "ModelErrorException" });
    bench.cloud.eventBridge.setTrouble({ entries: "InternalFailure", next: 1 });
    await bench.deliver([requestBody("again")], LAST_RECEIVE);
    expect(await bench.record("again")).toMatchObject({ status: "generating", lease: null });
    expect((await bench.delayed()).map(({ body }) => JSON.parse(body).requestId)).toContain("again");
    expect(told()).toEqual([]);
  });

  it("as the function may not tell, somebody has to act: the message goes to the dead-letter queue", async () => {
    bench.cloud.eventBridge.setTrouble({ calls: "AccessDeniedException" });
    const { log } = await bench.deliver([requestBody("denied")], LAST_RECEIVE);
    expect(log).toContain('"event":"broken"');
    expect(await bench.hiddenSeconds(requestBody("denied"))).toBeLessThanOrEqual(0);
    expect(await bench.record("denied")).toMatchObject({ status: "succeeded" });
  });
});

describe("docs/events.md", () => {
  const page = readFileSync(new URL("../docs/events.md", import.meta.url), "utf8");
  const examples = [...page.matchAll(/```json\n(.+?)```/gs)].map(([, json = ""]) => JSON.parse(json));

  it("has an example of each status, and nothing in it that events do not have", () => {
    const details = examples.map((example) => example.detail ?? example);
    expect(details.map(({ status }) => status)).toEqual([...TOLD_STATUSES]);
    for (const detail of details) expect(requestEventSchema.parse(detail)).toEqual(detail);
  });

  it("describes each field", () => {
    const described = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(described).toEqual(Object.keys(requestEventSchema.shape));
  });
});
