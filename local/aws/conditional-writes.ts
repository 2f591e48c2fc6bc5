import type { buildApp } from "fauxqs";
import pLimit from "p-limit";

export type EmulatorApp = ReturnType<typeof buildApp>;

type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly status: number; readonly code: string; readonly message: string };

const ALLOWED: Verdict = { allowed: true };
const FAILED: Verdict = {
  allowed: false,
  status: 412,
  code: "PreconditionFailed",
  message: "At least one of the pre-conditions you specified did not hold",
};

/**
 * fauxqs ignores `If-None-Match` and `If-Match` on writes, and the request record depends on both: without
 * them two deliveries of one prompt would each believe the prompt is theirs.
 *
 * The object's current ETag can only be asked for asynchronously (by an injected HEAD), so every write goes
 * through one queue: nothing else is written between the question and the write.
 * Must be called before fauxqs adds its routes.
 */
export function enforceConditionalWrites(app: EmulatorApp): void {
  const oneAtATime = pLimit(1);
  app.addHook("onRoute", (route) => {
    const methods = [route.method].flat();
    if (route.url !== "/:bucket/*" || !methods.some((method) => ["PUT", "POST", "DELETE"].includes(method))) {
      return;
    }
    const write = route.handler;
    route.handler = function conditionalWrite(request, reply) {
      return oneAtATime(async () => {
        const ifNoneMatch = request.headers["if-none-match"];
        const ifMatch = request.headers["if-match"];
        if (ifNoneMatch !== undefined || ifMatch !== undefined) {
          // The injected request has no query: uploadId and partNumber would make it another operation.
          const path = request.url.split("?")[0] ?? request.url;
          const { statusCode, headers } = await app.inject({ method: "HEAD", url: path });
          const verdict = judge({ ifNoneMatch, ifMatch }, statusCode === 404 ? undefined : headers.etag);
          if (!verdict.allowed) {
            // Not returned: a reply that is awaited would keep the others waiting until its client has read it.
            reply.code(verdict.status).type("application/xml").send(errorXml(verdict));
            return;
          }
        }
        return write.call(this, request, reply);
      });
    };
  });
}

interface Conditions {
  readonly ifNoneMatch: string | undefined;
  readonly ifMatch: string | undefined;
}

/** @param etag ETag of the object as it is now; undefined when there is none. */
function judge({ ifNoneMatch, ifMatch }: Conditions, etag: string | undefined): Verdict {
  if (ifNoneMatch !== undefined && ifNoneMatch !== "*") {
    return {
      allowed: false,
      status: 501,
      code: "NotImplemented",
      message: "A header you provided implies functionality that is not implemented",
    };
  }
  if (ifNoneMatch !== undefined && etag !== undefined) return FAILED;
  if (ifMatch === undefined) return ALLOWED;
  if (etag === undefined) {
    return { allowed: false, status: 404, code: "NoSuchKey", message: "The specified key does not exist." };
  }
  return ifMatch === "*" || unquoted(ifMatch) === unquoted(etag) ? ALLOWED : FAILED;
}

function unquoted(etag: string): string {
  return etag.replaceAll('"', "");
}

function errorXml(error: { readonly code: string; readonly message: string }): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
}
