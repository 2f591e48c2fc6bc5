import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout } from "node:timers/promises";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { announcesApp, type Emulator, startEmulator } from "../local/aws/emulator.ts";

const Bucket = "pictures";
let emulator: Emulator;
let s3: S3Client;

/** Time between the question for an object's ETag and the answer: enough for every other writer to get in between. */
function slowDownHead(message: unknown): void {
  if (!announcesApp(message)) return;
  message.fastify.addHook("onSend", async (request) => {
    if (request.method === "HEAD") await setTimeout(30);
  });
}

beforeAll(async () => {
  subscribe("fastify.initialization", slowDownHead);
  emulator = await startEmulator({ port: 0, region: "eu-west-1" });
  unsubscribe("fastify.initialization", slowDownHead);
  emulator.ensureBucket(Bucket);
  s3 = new S3Client({
    endpoint: emulator.endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
});
afterAll(() => emulator.stop());

const put = (Key: string, Body: string, conditions: { IfNoneMatch?: string; IfMatch?: string } = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...conditions }));
const read = async (Key: string) =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
const precondition = {
  name: "PreconditionFailed",
  $metadata: expect.objectContaining({ httpStatusCode: 412 }),
};

describe("the bucket on this machine", () => {
  it("creates an object with If-None-Match once and refuses the second time", async () => {
    await put("created", "first", { IfNoneMatch: "*" });
    await expect(put("created", "second", { IfNoneMatch: "*" })).rejects.toMatchObject(precondition);
    expect(await read("created")).toBe("first");
  });

  it("lets exactly one of 50 parallel creations win", async () => {
    const attempts = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => put("raced", `writer ${index}`, { IfNoneMatch: "*" })),
    );
    const winners = attempts.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(await read("raced")).toBe(`writer ${winners[0]}`);
  });

  it("lets exactly one of 50 parallel changes of one version win", async () => {
    const { ETag } = await put("contended", "before");
    const attempts = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => put("contended", `writer ${index}`, { IfMatch: `${ETag}` })),
    );
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("changes an object whose ETag matches, with or without its quotes", async () => {
    const first = await put("changed", "1");
    const second = await put("changed", "2", { IfMatch: `${first.ETag}` });
    await put("changed", "3", { IfMatch: `${second.ETag}`.replaceAll('"', "") });
    expect(await read("changed")).toBe("3");
  });

  it("refuses to change an object whose ETag is another one by now", async () => {
    const { ETag } = await put("stale", "1");
    await put("stale", "2");
    await expect(put("stale", "3", { IfMatch: `${ETag}` })).rejects.toMatchObject(precondition);
    expect(await read("stale")).toBe("2");
  });

  it("answers NoSuchKey to a change of an object that is not there", async () => {
    await expect(put("missing", "1", { IfMatch: '"abc"' })).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  it("deletes only the version that is meant", async () => {
    const { ETag } = await put("deleted", "1");
    await put("deleted", "2");
    const deletion = new DeleteObjectCommand({ Bucket, Key: "deleted", IfMatch: `${ETag}` });
    await expect(s3.send(deletion)).rejects.toMatchObject(precondition);
    expect(await read("deleted")).toBe("2");
  });

  it("does not copy over an object that must not exist", async () => {
    await put("source", "1");
    await put("target", "2");
    const copy = new CopyObjectCommand({
      Bucket,
      Key: "target",
      CopySource: `${Bucket}/source`,
      IfNoneMatch: "*",
    });
    await expect(s3.send(copy)).rejects.toMatchObject(precondition);
    expect(await read("target")).toBe("2");
  });

  it("applies conditions to keys with characters that need escaping", async () => {
    const key = "a folder/ä+ü&?#%.json";
    await put(key, "1", { IfNoneMatch: "*" });
    await expect(put(key, "2", { IfNoneMatch: "*" })).rejects.toMatchObject(precondition);
  });
});
