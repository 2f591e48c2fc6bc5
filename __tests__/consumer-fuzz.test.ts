import { randomUUID } from "node:crypto";
import { createCanvas } from "@napi-rs/canvas";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { recordKey } from "../functions/domain/record.ts";
import { parseRecord } from "../functions/domain/record-store.ts";
import { parseRequest } from "../functions/domain/request.ts";
import { CORE } from "./support/consumer-bench.ts";
import { anyBody, anyValue, damaged, isReadable, nearAnswer, nearRecord, ODD_SEEDS } from "./support/fuzz.ts";
import {
  deliver,
  type Handlers,
  type Message,
  message,
  type RawAnswer,
  startHandlers,
} from "./support/handlers.ts";
import { requestBody } from "./support/sample-request.ts";
import { caseCount } from "./support/thorough.ts";

// fast-check prints the seed and the path of a case that fails.
const LIMIT_MS = 120_000;
const PNG = createCanvas(1, 1).toBuffer("image/png");
const painted = (seeds: unknown, picture = PNG) =>
  JSON.stringify({ seeds, finish_reasons: [null], images: [picture.toString("base64")] });
const PAINTED = painted([1]);

let handlers: Handlers;
beforeAll(async () => {
  handlers = await startHandlers();
});
afterAll(() => handlers[Symbol.asyncDispose]());

const lineSchema = z.object({ message: z.object({ event: z.string(), messageId: z.string() }) });

async function recordOf(id: string) {
  const text = await handlers.get(recordKey("", id));
  return text && parseRecord(id, text.toString());
}

/** The ids that a message's record may have. */
function idsOf({ body, messageId }: Message): string[] {
  const parsed = parseRequest(body);
  const chosen = parsed.ok ? parsed.request.requestId : parsed.requestId;
  return chosen === undefined ? [messageId] : [chosen, messageId];
}

async function isFinished(each: Message): Promise<boolean> {
  const records = await Promise.all(idsOf(each).map(recordOf));
  return records.some((record) => record?.status === "succeeded" || record?.status === "rejected");
}

/** What became of the messages by the log, one line for each that is to be tried again. */
function postponed(): string[] {
  return handlers.takeLines().flatMap((line) => {
    const { data } = lineSchema.safeParse(line.startsWith("{") ? JSON.parse(line) : undefined);
    const isOutcome = ["postponed", "failed", "broken"].includes(data?.message.event ?? "");
    return data !== undefined && isOutcome ? [data.message.messageId] : [];
  });
}

const attributes = fc.record({
  ApproximateReceiveCount: fc.integer({ min: 1, max: 12 }).map(String),
  SentTimestamp: fc.integer({ min: 0, max: 1_900_000_000_000 }).map(String),
});

it("each message of any SQS event is finished, left in the queue, or sent anew", {
  timeout: LIMIT_MS,
}, async () => {
  handlers.setModel(() => ({ status: 200, body: PAINTED }));
  const batches = fc.array(fc.tuple(anyBody, attributes), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(batches, async (drawn) => {
      const batch = drawn.map((one) => message(...one));
      const before = await handlers.messages();
      const left = await deliver(handlers, batch);
      const again = postponed();
      const gone = batch.filter((each) => !left.includes(each));
      const renewed = gone.filter(({ messageId }) => again.includes(messageId));
      expect(await handlers.messages()).toBe(before + renewed.length);
      for (const each of left) expect(again).toContain(each.messageId);
      for (const each of gone) if (!renewed.includes(each)) expect(await isFinished(each)).toBe(true);
    }),
    { numRuns: caseCount(300) },
  );
});

it("what is not an SQS event of one message is refused as a whole, so that nothing is deleted", async () => {
  const one = message("K2");
  for (const event of [
    {},
    { Records: null },
    { Records: [null] },
    { Records: [{}] },
    { Records: [one, one] },
  ]) {
    expect((await handlers.consume(event)).type, JSON.stringify(event)).toBe("error");
  }
});

it("a model is not called over a connection that was idle while the function was frozen", async () => {
  handlers.setModel(() => ({ status: 200, body: PAINTED }));
  const ids = [randomUUID(), randomUUID()] as const;
  for (const id of ids) await deliver(handlers, [message(requestBody(id))]);
  for (const id of ids) expect(await recordOf(id)).toMatchObject({ status: "succeeded", model: CORE });
});

// None that says throttled: the SDK sends such a call again, and waits for seconds.
const answers: fc.Arbitrary<RawAnswer> = fc.record(
  {
    status: fc.constantFrom(200, 200, 200, 200, 204, 302, 400, 403, 404, 408, 413, 424, 500, 503),
    errorType: fc.constantFrom(
      "ServiceQuotaExceededException",
      "ModelErrorException",
      "NobodyKnowsException",
    ),
    body: fc.oneof(
      fc.constant(PAINTED),
      damaged(fc.constant(PAINTED)),
      fc.oneof(fc.constantFrom(...ODD_SEEDS), anyValue).map((seed) => painted([seed])),
      anyValue.map((seeds) => painted(seeds)),
      nearAnswer,
      damaged(nearAnswer),
      fc.string(),
      fc.uint8Array(),
    ),
  },
  { requiredKeys: ["status", "body"] },
);

it.each(ODD_SEEDS)(
  "a picture that is paid is kept, and its record can be read, when its seed is %j",
  async (seed) => {
    handlers.setModel(() => ({ status: 200, body: painted([seed]) }));
    const requestId = randomUUID();
    const each = message(JSON.stringify({ requestId, prompt: "K2", seed: 7 }));
    expect(await deliver(handlers, [each])).toEqual([]);
    expect(await recordOf(requestId)).toMatchObject({ status: "succeeded", seed: 7 });
    expect(await deliver(handlers, [each])).toEqual([]);
  },
);

const JPEG = createCanvas(1, 1).toBuffer("image/jpeg");

it.each([
  ["jpeg", PNG],
  ["png", JPEG],
  ["png", Buffer.from("RIFF0000WEBPVP8 ")],
])(
  "a picture that is no %s is not stored as one: the try is paid and counts",
  async (outputFormat, picture) => {
    handlers.setModel(() => ({ status: 200, body: painted([1], picture) }));
    const requestId = randomUUID();
    const each = message(JSON.stringify({ requestId, prompt: "K2", outputFormat }));
    handlers.takeLines();
    expect(await deliver(handlers, [each])).toEqual([each]);
    expect(await handlers.get(`images/${requestId}.${outputFormat}`)).toBeUndefined();
    expect(await recordOf(requestId)).toMatchObject({
      attempts: 1,
      reason: {
        code: "UnreadableAnswer",
        message: `what the model sent is not a ${outputFormat.toUpperCase()}`,
      },
    });
    expect(handlers.takeLines().filter((line) => line.includes('"EstimatedCostUsd":'))).toHaveLength(2);
  },
);

it("whatever the models answer, a picture is stored as it came, or none is", {
  timeout: LIMIT_MS,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(answers, { minLength: 1, maxLength: 4 }), async (drawn) => {
      handlers.setModel((prompt) => drawn[Number(prompt)] ?? { status: 500, body: "" });
      const batch = drawn.map((_, index) =>
        message(JSON.stringify({ requestId: randomUUID(), prompt: String(index) })),
      );
      const left = await deliver(handlers, batch);
      for (const each of batch) {
        const [id = ""] = idsOf(each);
        const record = await recordOf(id);
        expect(left.includes(each)).toBe(record?.status !== "succeeded" && record?.status !== "rejected");
        const picture = await handlers.get(`images/${id}.png`);
        expect(picture !== undefined).toBe(record?.status === "succeeded");
        if (picture !== undefined) expect(picture.subarray(0, 8)).toEqual(PNG.subarray(0, 8));
      }
    }),
    { numRuns: caseCount(250) },
  );
});

describe("an answer of tens of megabytes harms nobody but its own prompt:", () => {
  const MEGABYTES = 1_000_000;
  const image = (base64: string) => JSON.stringify({ seeds: [1], finish_reasons: [null], images: [base64] });

  it.each<[string, () => string, boolean]>([
    [
      "a picture of 8 MB",
      () => image(Buffer.concat([PNG, Buffer.alloc(8 * MEGABYTES)]).toString("base64")),
      true,
    ],
    ["60 MB that are no picture", () => image("A".repeat(60 * MEGABYTES)), false],
    ["60 MB that are not base64", () => image("*".repeat(60 * MEGABYTES)), false],
    ["60 MB of blanks", () => " ".repeat(60 * MEGABYTES), false],
    ["a million lists within one another", () => "[".repeat(MEGABYTES) + "]".repeat(MEGABYTES), false],
    [
      "a million pictures",
      () => JSON.stringify({ images: Array.from({ length: MEGABYTES }, () => "QQ==") }),
      false,
    ],
  ])("%s", { timeout: LIMIT_MS }, async (_, make, isPicture) => {
    const huge = make();
    handlers.setModel((prompt) => ({ status: 200, body: prompt === "huge" ? huge : PAINTED }));
    const prompts = ["huge", "K2", "a fjord"];
    const batch = prompts.map((prompt) => message(JSON.stringify({ requestId: randomUUID(), prompt })));
    expect(await deliver(handlers, batch)).toEqual(isPicture ? [] : batch.slice(0, 1));
  });
});

it("a record that was tampered with is not written over, and its message is left", {
  timeout: LIMIT_MS,
}, async () => {
  handlers.setModel(() => ({ status: 200, body: PAINTED }));
  await fc.assert(
    fc.asyncProperty(
      nearRecord.filter((record) => !isReadable(record)),
      async (record) => {
        const requestId = randomUUID();
        const key = recordKey("", requestId);
        await handlers.put(key, record);
        const each = message(requestBody(requestId));
        expect(await deliver(handlers, [each])).toEqual([each]);
        expect((await handlers.get(key))?.toString()).toBe(record);
      },
    ),
    { numRuns: caseCount(300) },
  );
});
