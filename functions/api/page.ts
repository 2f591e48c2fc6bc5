import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { type HttpAnswer, HttpProblem, type HttpRequest } from "./http.ts";
import { findLogin, type LoginSettings } from "./login.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

export interface PageOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly keyPrefix: string;
  /** Who logs people in; undefined where nobody has to log in. */
  readonly login: LoginSettings | undefined;
}

/** The studio: a page, and its files. They are read from the function's zip file when somebody asks for them. */
export class Page {
  readonly #options: PageOptions;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  /** Answers a GET for the page or a file of it; undefined for any other path. */
  async answer({ rawPath, headers }: HttpRequest): Promise<HttpAnswer | undefined> {
    if (rawPath === "/") return await this.#page(headers["if-none-match"]);
    const [, file, ending = ""] = /^\/studio\/([\w-]+\.(\w+))$/.exec(rawPath) ?? [];
    const contentType = CONTENT_TYPES[ending];
    if (!rawPath.startsWith("/studio/")) return undefined;
    if (file === undefined || contentType === undefined) throw nothingThere();
    return await asset(file, contentType, headers["accept-encoding"]);
  }

  async #page(knownTag: string | undefined): Promise<HttpAnswer> {
    const login = await findLogin(this.#options.login);
    const html = await read("index.html");
    const content = login === undefined ? "" : JSON.stringify(login);
    const body = html
      .toString()
      .replace('name="login" content=""', () => `name="login" content="${escapeHtml(content)}"`);
    const policy = await this.#contentSecurityPolicy(
      login === "unavailable" ? undefined : login?.tokenEndpoint,
    );
    const etag = `"${createHash("sha256").update(policy).update(body).digest("hex").slice(0, 16)}"`;
    const common = { etag, "cache-control": "no-cache", ...security(policy) };
    if (knownTag === etag) return { statusCode: 304, headers: common };
    return { statusCode: 200, headers: { ...common, "content-type": "text/html; charset=utf-8" }, body };
  }

  /** Nothing but the page's own files, the API, pictures of the bucket, and the issuer's tokens. */
  async #contentSecurityPolicy(tokenEndpoint: string | undefined): Promise<string> {
    const { s3, bucket, keyPrefix } = this.#options;
    // What a link to a picture looks like is for the SDK to say: a bucket with a dot in its name has other links.
    const link = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: `${keyPrefix}images/` }));
    const { origin, pathname } = new URL(link);
    return [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      `img-src 'self' ${origin}${pathname}`,
      `connect-src 'self'${tokenEndpoint === undefined ? "" : ` ${new URL(tokenEndpoint).origin}`}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; ");
  }
}

async function asset(
  file: string,
  contentType: string,
  acceptEncoding: string | undefined,
): Promise<HttpAnswer> {
  const compressed = await read(`${file}.gz`);
  // API Gateway compresses nothing, and every browser reads gzip.
  const isPlain = !/\bgzip\b/.test(acceptEncoding ?? "");
  return {
    statusCode: 200,
    headers: {
      "content-type": contentType,
      // The name has a hash of the content.
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
      ...security("default-src 'none'"),
      ...(!isPlain && { "content-encoding": "gzip" }),
    },
    body: (isPlain ? await promisify(gunzip)(compressed) : compressed).toString("base64"),
    isBase64Encoded: true,
  };
}

function security(policy: string): Record<string, string> {
  return {
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  };
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(join(process.env.LAMBDA_TASK_ROOT ?? "", "studio", file));
  } catch {
    throw nothingThere();
  }
}

function nothingThere(): HttpProblem {
  return new HttpProblem(404, "There is nothing at this path.");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
}
