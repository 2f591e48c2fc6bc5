import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { readPage } from "../functions/api/request-list.ts";
import { ObjectStore } from "../functions/domain/object-store.ts";
import { type RequestRecord, recordKey } from "../functions/domain/record.ts";
import { RecordStore } from "../functions/domain/record-store.ts";
import { indexKey } from "../functions/domain/request-index.ts";
import { startEmulator } from "../local/aws/emulator.ts";
import type { Part } from "./table.ts";

const FEW = 100;
const MANY = 100_000;
const PAGE = 24;
const ROUNDS = 9;
const PUTS_AT_ONCE = 100;
const BUCKET = "listing";
const OWNER = "0".repeat(32);
const NEWEST = Date.parse("2026-01-01T00:00:00.000Z");

/** What a page of a caller's requests costs when there are many, against when there are few. */
export const listing: Part = {
  name: "listing",
  quick: false,
  async run() {
    const emulator = await startEmulator({ port: 0, region: "eu-west-1" });
    emulator.ensureBucket(BUCKET);
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    const s3 = new S3Client({ endpoint: emulator.endpoint, region: "eu-west-1", credentials });
    let calls = 0;
    s3.middlewareStack.add((next) => (args) => {
      calls += 1;
      return next(args);
    });
    const records = new RecordStore(new ObjectStore(s3, BUCKET), "");
    const place = { bucket: BUCKET, keyPrefix: "" };
    const page = { limit: PAGE, after: undefined, status: undefined };
    const measure = async () => {
      const rounds: { readonly ms: number; readonly calls: number }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        calls = 0;
        const started = performance.now();
        await readPage(OWNER, page, { s3, place, records });
        rounds.push({ ms: performance.now() - started, calls });
      }
      return rounds;
    };
    try {
      await fill(s3, 0, FEW);
      const few = await measure();
      await fill(s3, FEW, MANY);
      const many = await measure();
      const what = `a page of ${PAGE} out of ${MANY.toLocaleString("en")} requests`;
      const against = `out of ${FEW}`;
      const values = (of: "ms" | "calls") => many.map((round, at) => round[of] / (few[at]?.[of] ?? 0));
      return [
        { what: `${what}: calls of S3`, against, unit: "×", values: values("calls"), target: 1 },
        { what: `${what}, on the emulator`, against: "", unit: "ms", values: many.map(({ ms }) => ms) },
        {
          what: `a page of ${PAGE} ${against} requests, on the emulator`,
          against: "",
          unit: "ms",
          values: few.map(({ ms }) => ms),
        },
      ];
    } finally {
      s3.destroy();
      await emulator.stop();
    }
  },
};

/** Puts requests there, from the newest on: an entry for each, and records for those of the first page. */
async function fill(s3: S3Client, from: number, to: number): Promise<void> {
  const put = (Key: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ContentLength: Body.length }));
  for (let first = from; first < to; first += PUTS_AT_ONCE) {
    const numbers = Array.from({ length: PUTS_AT_ONCE }, (_, at) => first + at);
    await Promise.all(
      numbers.map(async (number) => {
        const record = recordOf(number);
        await put(indexKey("", record) ?? "", "");
        if (number < PAGE) await put(recordKey("", record.requestId), JSON.stringify(record));
      }),
    );
  }
}

function recordOf(number: number): RequestRecord {
  const createdAt = new Date(NEWEST - number * 1000).toISOString();
  return {
    requestId: `request-${number}`,
    ...{ owner: OWNER, createdAt, attempts: 1, codeVersion: "bench" },
    ...{ status: "rejected", reason: { code: "Any", message: "any" }, body: "K2" },
    timings: { queuedAt: createdAt, finishedAt: createdAt },
  };
}
