import { once } from "node:events";
import { createServer } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { expect, it, onTestFinished } from "vitest";
import { Images, type PaintedImage } from "../functions/domain/images.ts";
import { type Claim, LeaseLostError, Ledger } from "../functions/domain/ledger.ts";
import { ObjectStore } from "../functions/domain/object-store.ts";
import { startEmulator } from "../local/aws/emulator.ts";

/** A ledger on a bucket. Leases end after so many milliseconds. */
function ledgerOn(endpoint: string, leaseMs: number) {
  const s3 = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  onTestFinished(() => s3.destroy());
  const store = new ObjectStore(s3, "pictures");
  const images = new Images(store, "");
  return { images, ledger: new Ledger({ store, images, keyPrefix: "", leaseMs, codeVersion: "test" }) };
}

const asked = { requestId: "one", prompt: "K2", aspectRatio: "1:1", outputFormat: "png", seed: 7 } as const;
const reason = { code: "Any", message: "any" };
const painting = { seed: 7, model: "m", region: "r", modelMs: 1, costUsd: 1 };

it.each<[string, (ledger: Ledger, claim: Claim, painted: PaintedImage) => Promise<unknown>]>([
  ["succeed", (ledger, claim, painted) => ledger.succeed(claim, painted)],
  ["release", (ledger, claim) => ledger.release(claim, reason, { tried: true })],
  ["fail", (ledger, claim) => ledger.fail(claim, reason)],
  ["reject", (ledger, claim) => ledger.reject(claim, reason, "K2")],
])("an owner whose request was taken over cannot %s it any more, and knows", async (_, close) => {
  const emulator = await startEmulator({ port: 0, region: "eu-west-1" });
  onTestFinished(() => emulator.stop());
  emulator.ensureBucket("pictures");
  const { ledger, images } = ledgerOn(emulator.endpoint, 0);
  const first = await ledger.claim(asked, new Date());
  const second = await ledger.claim(asked, new Date());
  if (first.kind !== "claimed" || second.kind !== "claimed") throw new Error("it was not taken over");
  const painted = await images.store(asked, Buffer.from("picture"), painting);
  await expect(close(ledger, first.claim, painted)).rejects.toThrow(LeaseLostError);
  await expect(ledger.succeed(second.claim, painted)).resolves.toMatchObject({ attempts: 2 });
});

// The local cloud's S3 writes one after the other, and so never says this.
it("a claim that meets another one under way at the same moment (409) waits for its lease", async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const timings = { queuedAt: new Date().toISOString(), startedAt: new Date().toISOString() };
  const record = {
    ...{ ...asked, status: "generating", attempts: 1, codeVersion: "test", timings },
    lease: { owner: "somebody else", expiresAt },
  };
  const conflict = "<Error><Code>ConditionalRequestConflict</Code><Message>busy</Message></Error>";
  const bucket = createServer((request, response) => {
    if (request.method === "PUT")
      response.writeHead(409, { "content-type": "application/xml" }).end(conflict);
    else response.writeHead(200, { etag: '"1"' }).end(JSON.stringify(record));
  });
  bucket.listen(0, "127.0.0.1");
  onTestFinished(() => void bucket.close());
  await once(bucket, "listening");
  const address = bucket.address();
  if (address === null || typeof address === "string") throw new Error("the bucket has no port");
  const { ledger } = ledgerOn(`http://127.0.0.1:${address.port}`, 150_000);
  expect(await ledger.claim(asked, new Date())).toEqual({ kind: "leased", until: new Date(expiresAt) });
});
