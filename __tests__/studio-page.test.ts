import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleStudio } from "../constructs/studio-files.ts";
import { ApiBench } from "./support/api-bench.ts";

/** The most that the studio's script and style may have together, compressed, in bytes. */
const BUDGET = 40_000;

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.start({ consumer: false });
});
afterAll(() => bench[Symbol.asyncDispose]());

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(bench.url + path, { headers });
  return { response, text: await response.text() };
}

/** The addresses of the page's files, by their endings. */
async function filesOfPage(): Promise<Record<"js" | "css" | "svg", string>> {
  const { text } = await get("/");
  const find = (ending: string) => new RegExp(`"(/studio/[^"]+\\.${ending})"`).exec(text)?.[1] ?? "";
  return { js: find("js"), css: find("css"), svg: find("svg") };
}

describe("the studio's page", () => {
  it("may run its own script alone, show pictures of the bucket alone, and be framed by nobody", async () => {
    const { response, text } = await get("/");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")?.split("; ")).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      `img-src 'self' ${bench.cloud.endpoint}/${bench.cloud.bucket}/images/`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style| on\w+=| style=/);
  });

  it("is asked for again each time, and sent only when it has changed", async () => {
    const { response } = await get("/");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const again = await get("/", { "if-none-match": response.headers.get("etag") ?? "" });
    expect([again.response.status, again.text]).toEqual([304, ""]);
  });

  it("says in two languages what is missing without JavaScript", async () => {
    const { text } = await get("/");
    expect(/<noscript>(.*?)<\/noscript>/s.exec(text)?.[1]).toMatch(
      /needs JavaScript.*lang="nb".*trenger JavaScript/s,
    );
  });

  it("is at its address alone", async () => {
    const post = await bench.call("/", { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET"]);
  });
});

describe("a file of the studio", () => {
  it("may be kept for ever, and its name changes with its content", async () => {
    for (const path of Object.values(await filesOfPage())) {
      expect(path).toMatch(/-[A-Z0-9]{8}\.\w+$/);
      const { response } = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    }
  });

  it("comes compressed to who reads that, and plain to others", async () => {
    const { js } = await filesOfPage();
    const compressed = await get(js, { "accept-encoding": "gzip, deflate, br" });
    const plain = await get(js, { "accept-encoding": "identity" });
    expect(compressed.response.headers.get("content-encoding")).toBe("gzip");
    expect(plain.response.headers.get("content-encoding")).toBe(null);
    expect(plain.text).toBe(compressed.text);
    expect(plain.response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  });

  it.each(["/studio/main.js", "/studio/index.html", "/studio/..%2findex.js", "/studio/%00.js", "/studio/"])(
    "does not stand at %s",
    async (path) => {
      expect((await bench.call(path)).status).toBe(404);
    },
  );
});

it("is small: script and style together", () => {
  const files = Object.entries(bundleStudio()).filter(([path]) => /\.(js|css)\.gz$/.test(path));
  expect(files).toHaveLength(2);
  expect(files.reduce((sum, [, bytes]) => sum + bytes.length, 0)).toBeLessThanOrEqual(BUDGET);
});

it("has the same bytes each time that it is bundled, and those are the ones that are served", async () => {
  expect(bundleStudio()).toEqual(bundleStudio());
  const { js } = await filesOfPage();
  const bytes = bundleStudio()[`${js.slice(1)}.gz`] ?? new Uint8Array();
  expect((await get(js)).text).toBe(gunzipSync(bytes).toString());
});

it("leaves what only the local cloud has out of the deployed function", async () => {
  const fn = [...bench.cloud.functions.values()].find(({ spec }) => spec.functionName.includes("api"));
  const files = unzipSync(readFileSync(fn?.spec.zipFile ?? ""));
  const scripts = Object.entries(files).filter(([path]) => path.endsWith(".js.gz"));
  expect(scripts).toHaveLength(1);
  expect((await get("/_local/panel.js")).text).toContain("A stand-in on this machine paints");
  for (const [, bytes] of scripts) expect(gunzipSync(bytes).toString()).not.toContain("stand-in");
});
