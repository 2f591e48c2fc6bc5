import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Claim } from "../functions/domain/claim.ts";
import { Images, type PaintedImage } from "../functions/domain/images.ts";
import { LeaseLostError, Ledger } from "../functions/domain/ledger.ts";
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
  ["fail", (ledger, claim) => ledger.fail(claim, ledger.failure(claim, reason))],
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

/** What happens to a write on its way: S3 refuses it for another one under way, its answer is lost, its record was deleted or changed, or a bit of it is flipped. */
type Trouble = "conflict" | "lost" | "deleted" | "changed" | "damaged";

/** A bucket that does so to the writes that a script names, in order; all else goes through. */
async function startTroubledBucket(script: (Trouble | undefined)[]): Promise<string> {
  const emulator = await startEmulator({ port: 0, region: "eu-west-1" });
  onTestFinished(() => emulator.stop());
  emulator.ensureBucket("pictures");
  const conflict = "<Error><Code>ConditionalRequestConflict</Code><Message>busy</Message></Error>";
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    const trouble = method === "PUT" ? script.shift() : undefined;
    const body = await buffer(request);
    if (trouble === "conflict") {
      response.writeHead(409, { "content-type": "application/xml" }).end(conflict);
      return;
    }
    const target = `${emulator.endpoint}${url}`;
    const object = target.replace(/\?.*/, "");
    if (trouble === "deleted") await fetch(object, { method: "DELETE" });
    if (trouble === "changed") {
      await fetch(object, { method: "PUT", body: `${await (await fetch(object)).text()} ` });
    }
    if (trouble === "damaged") body.writeUInt8(body.readUInt8(0) ^ 1);
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    const sha256 = request.headers["x-amz-checksum-sha256"];
    if (sha256 !== undefined && sha256 !== createHash("sha256").update(body).digest("base64")) {
      const damaged = "<Error><Code>BadDigest</Code><Message>the checksum did not match</Message></Error>";
      response.writeHead(400, { "content-type": "application/xml" }).end(damaged);
      return;
    }
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) {
      if (!["host", "connection", "transfer-encoding", "content-length", "expect"].includes(name)) {
        headers.set(name, String(value));
      }
    }
    const answer = await fetch(target, { method, headers, ...(body.length > 0 && { body }) });
    const content = Buffer.from(await answer.arrayBuffer());
    if (trouble === "lost") {
      response.destroy();
      return;
    }
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(content);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the bucket has no port");
  return `http://127.0.0.1:${address.port}`;
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
describe.each<[string, Trouble]>([
  ["that meets another one under way (409)", "conflict"],
  ["whose answer is lost, and which the SDK sends again (412)", "lost"],
])("a write %s", (_, trouble) => {
  it("claims a request that nobody else has", async () => {
    const { ledger } = ledgerOn(await startTroubledBucket([trouble]), 150_000);
    expect(await ledger.claim(asked, new Date())).toMatchObject({
      kind: "claimed",
      claim: { origin: "new" },
    });
  });

  it("takes over a request whose lease has ended", async () => {
    const { ledger } = ledgerOn(await startTroubledBucket([undefined, undefined, trouble]), 0);
    await ledger.claim(asked, new Date());
    expect(await ledger.claim(asked, new Date())).toMatchObject({
      kind: "claimed",
      claim: { origin: "abandoned" },
    });
  });

  it("stores a picture, and does not take it for somebody else's", async () => {
    const { images } = ledgerOn(await startTroubledBucket([trouble]), 0);
    const painted = await images.store(asked, Buffer.from("picture"), painting);
    expect(painted).toMatchObject({ ...painting, image: { bytes: 7 } });
    expect(await images.find(asked)).toEqual(painted);
  });

  it("closes the request that it owns", async () => {
    const { ledger, images } = ledgerOn(await startTroubledBucket([undefined, undefined, trouble]), 150_000);
    const result = await ledger.claim(asked, new Date());
    if (result.kind !== "claimed") throw new Error("it was not claimed");
    const painted = await images.store(asked, Buffer.from("picture"), painting);
    await expect(ledger.succeed(result.claim, painted)).resolves.toMatchObject({ status: "succeeded" });
  });
});

it("a claim that finds another one's record behind a 409 waits for its lease", async () => {
  const { ledger } = ledgerOn(await startTroubledBucket([undefined, "conflict"]), 150_000);
  await ledger.claim(asked, new Date());
  expect(await ledger.claim(asked, new Date())).toMatchObject({ kind: "leased" });
});

it("a request whose record is deleted while it is claimed is claimed as a new one", async () => {
  const { ledger } = ledgerOn(await startTroubledBucket([undefined, undefined, "deleted"]), 0);
  await ledger.claim(asked, new Date());
  expect(await ledger.claim(asked, new Date())).toMatchObject({
    kind: "claimed",
    claim: { origin: "new" },
  });
});

it("a request whose record changes four times while it is claimed is claimed all the same", async () => {
  const script = [undefined, undefined, ...Array<Trouble>(4).fill("changed")];
  const { ledger } = ledgerOn(await startTroubledBucket(script), 0);
  await ledger.claim(asked, new Date());
  expect(await ledger.claim(asked, new Date())).toMatchObject({ kind: "claimed" });
});

it("a picture that changes on its way is not stored", async () => {
  const { images } = ledgerOn(await startTroubledBucket(["damaged"]), 0);
  const stored = images.store(asked, Buffer.from("picture"), painting);
  await expect(stored).rejects.toThrow("the checksum did not match");
});

it("a write that meets other ones for ever is given up with S3's own error", async () => {
  const { ledger } = ledgerOn(await startTroubledBucket(Array(20).fill("conflict")), 0);
  await expect(ledger.claim(asked, new Date())).rejects.toThrow(/busy/);
});
