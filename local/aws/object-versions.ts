import { randomUUID } from "node:crypto";
import type { EmulatorApp } from "./conditional-writes.ts";

/** A version that is not the current one any more, or a delete marker. */
interface OldVersion {
  readonly id: string;
  readonly modifiedAt: string;
  /** Undefined for a delete marker. */
  readonly body: Buffer | undefined;
}

/** A version as it is listed. */
interface ListedVersion {
  readonly key: string;
  readonly id: string;
  readonly modifiedAt: string;
  readonly isMarker: boolean;
  readonly isLatest: boolean;
}

/**
 * fauxqs keeps no versions. In a bucket with versioning, what is overwritten or deleted becomes an old version, which stays
 * until it is deleted by its id; a delete without an id leaves a delete marker. Every other bucket lists each object as the
 * version `null`. Old versions are in memory, and an object whose current version is deleted by its id is gone: the one
 * before it does not become the current one.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
 * Must be called before fauxqs adds its routes, and before what checks conditions.
 */
export function keepVersions(app: EmulatorApp, isVersioned: (bucket: string) => boolean): void {
  /** By path. Objects of earlier runs are not in it: their id is `null`. */
  const currentIds = new Map<string, string>();
  /** By path, the newest first. */
  const oldVersions = new Map<string, readonly OldVersion[]>();
  const idOf = (path: string) => currentIds.get(path) ?? "null";
  const addOld = (path: string, version: OldVersion) =>
    oldVersions.set(path, [version, ...(oldVersions.get(path) ?? [])]);

  /** What is there becomes an old version. */
  async function retire(path: string): Promise<void> {
    const { statusCode, rawPayload, headers } = await app.inject({ method: "GET", url: path });
    if (statusCode !== 200) return;
    const modifiedAt = new Date(String(headers["last-modified"])).toISOString();
    addOld(path, { id: idOf(path), modifiedAt, body: rawPayload });
  }

  async function list(bucket: string, prefix: string): Promise<ListedVersion[]> {
    const modified = new Map<string, string>();
    for (let marker: string | undefined = ""; marker !== undefined; ) {
      const url: string = `/${bucket}?${new URLSearchParams({ prefix, marker })}`;
      const { payload }: { payload: string } = await app.inject({ method: "GET", url });
      for (const [, key = "", at = ""] of payload.matchAll(CONTENTS)) modified.set(`/${bucket}/${key}`, at);
      marker = payload.includes("<IsTruncated>true")
        ? [...modified.keys()].at(-1)?.slice(bucket.length + 2)
        : undefined;
    }
    const old = [...oldVersions.keys()].filter((path) => path.startsWith(`/${bucket}/${prefix}`));
    return [...new Set([...modified.keys(), ...old])].toSorted().flatMap((path) => {
      const modifiedAt = modified.get(path);
      const versions = [
        ...(modifiedAt === undefined ? [] : [{ id: idOf(path), modifiedAt, isMarker: false }]),
        ...(oldVersions.get(path) ?? []).map(({ body, ...each }) => ({
          ...each,
          isMarker: body === undefined,
        })),
      ];
      const key = path.slice(bucket.length + 2);
      return versions.map((version, index) => ({ ...version, key, isLatest: index === 0 }));
    });
  }

  app.addHook("onRoute", (route) => {
    if (route.url !== "/:bucket/*" && route.url !== "/:bucket") return;
    const [method] = [route.method].flat();
    const handle = route.handler;
    route.handler = async function withVersions(request, reply) {
      const { pathname: path, searchParams: query } = new URL(request.url, "http://localhost");
      const [, bucket = "", key = ""] = path.split(/^\/([^/]+)\/?/);
      const id = query.get("versionId");
      const xml = (status: number, text: string) => reply.code(status).type("application/xml").send(text);
      if (key === "") {
        if (method !== "GET" || !query.has("versions")) return handle.call(this, request, reply);
        return xml(200, pageOf(await list(bucket, query.get("prefix") ?? ""), query));
      }
      if (id !== null && id !== idOf(path)) {
        const old = oldVersions.get(path) ?? [];
        if (method === "DELETE") {
          oldVersions.set(
            path,
            old.filter((version) => version.id !== id),
          );
          return reply.code(204).send();
        }
        const body = old.find((version) => version.id === id)?.body;
        return body === undefined ? xml(404, "<Error><Code>NoSuchVersion</Code></Error>") : reply.send(body);
      }
      const isDelete = method === "DELETE" && !query.has("uploadId");
      const isPut = method === "PUT" && !query.has("uploadId");
      if (isVersioned(bucket) && id === null && (isDelete || isPut)) {
        await retire(path);
        const newId = randomUUID();
        reply.header("x-amz-version-id", newId);
        if (isPut) currentIds.set(path, newId);
        else addOld(path, { id: newId, modifiedAt: new Date().toISOString(), body: undefined });
      }
      if (isDelete) currentIds.delete(path);
      return handle.call(this, request, reply);
    };
  });
}

const CONTENTS = /<Key>([^<]*)<\/Key>[\s\S]*?<LastModified>([^<]*)<\/LastModified>/g;

/** One page of versions, after the one that the query names. */
function pageOf(all: readonly ListedVersion[], query: URLSearchParams): string {
  const isMarked = ({ key, id }: ListedVersion) =>
    key === query.get("key-marker") && id === query.get("version-id-marker");
  const rest = all.slice(all.findIndex(isMarked) + 1);
  const page = rest.slice(0, Number(query.get("max-keys") ?? 1000));
  const last = page.length < rest.length ? page.at(-1) : undefined;
  const entries = page.map(({ key, id, modifiedAt, isMarker, isLatest }) => {
    const tag = isMarker ? "DeleteMarker" : "Version";
    return `<${tag}><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${isLatest}</IsLatest><LastModified>${modifiedAt}</LastModified></${tag}>`;
  });
  const next =
    last === undefined
      ? ""
      : `<NextKeyMarker>${last.key}</NextKeyMarker><NextVersionIdMarker>${last.id}</NextVersionIdMarker>`;
  return `<?xml version="1.0" encoding="UTF-8"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${last !== undefined}</IsTruncated>${next}${entries.join("")}</ListVersionsResult>`;
}
