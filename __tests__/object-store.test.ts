import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { expect, it, onTestFinished } from "vitest";
import { Images } from "../functions/domain/images.ts";
import { Ledger } from "../functions/domain/ledger.ts";
import { ObjectStore } from "../functions/domain/object-store.ts";

async function ledgerOn(bucket: RequestListener): Promise<Ledger> {
  const server = createServer(bucket).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${address.port}`,
    forcePathStyle: true,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  onTestFinished(() => s3.destroy());
  const store = new ObjectStore(s3, "pictures");
  const images = new Images(store, "");
  return new Ledger({ store, images, keyPrefix: "", leaseMs: 150_000, codeVersion: "test" });
}

// The local cloud's S3 writes one after the other, and so never says this.
it("a claim that meets another one under way at the same moment (409) waits for its lease", async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const asked = { requestId: "one", prompt: "K2", aspectRatio: "1:1", outputFormat: "png", seed: 7 } as const;
  const timings = { queuedAt: new Date().toISOString(), startedAt: new Date().toISOString() };
  const record = {
    ...{ ...asked, status: "generating", attempts: 1, codeVersion: "test", timings },
    lease: { owner: "somebody else", expiresAt },
  };
  const conflict = "<Error><Code>ConditionalRequestConflict</Code><Message>busy</Message></Error>";
  const ledger = await ledgerOn((request, response) => {
    if (request.method === "PUT")
      response.writeHead(409, { "content-type": "application/xml" }).end(conflict);
    else response.writeHead(200, { etag: '"1"' }).end(JSON.stringify(record));
  });
  expect(await ledger.claim(asked, new Date())).toEqual({ kind: "leased", until: new Date(expiresAt) });
});
