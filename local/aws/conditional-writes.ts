import { setTimeout } from "node:timers/promises";
import type { buildApp } from "fauxqs";
import pLimit from "p-limit";
import { stream } from "../model/painter/random.ts";

export type EmulatorApp = ReturnType<typeof buildApp>;

interface Refusal {
  readonly allowed: false;
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

type Verdict = { readonly allowed: true } | Refusal;

const ALLOWED: Verdict = { allowed: true };
const FAILED: Refusal = {
  allowed: false,
  status: 412,
  code: "PreconditionFailed",
  message: "At least one of the pre-conditions you specified did not hold",
};

/** How long a conditional write is under way before its condition is looked at, in milliseconds: S3 takes longer. */
const UNDER_WAY_MS = 5;

/** It says nothing about the condition: another write of the key was under way. */
const CONFLICT: Refusal = {
  allowed: false,
  status: 409,
  code: "ConditionalRequestConflict",
  message:
    "The conditional request cannot succeed due to a conflicting operation against this resource. Please retry.",
};

/**
 * fauxqs ignores `If-None-Match` and `If-Match` on writes, and the request record depends on both: without
 * them two deliveries of one prompt would each believe the prompt is theirs.
 *
 * The object's current ETag can only be asked for asynchronously (by an injected HEAD), so every write goes
 * through one queue: nothing else is written between the question and the write. Of conditional writes that meet
 * another write of their key, every second one or so is told so; the others wait for the answer to their condition.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 * Must be called before fauxqs adds its routes.
 * @param conflicts whether any are told so
 */
export function enforceConditionalWrites(app: EmulatorApp, conflicts: boolean): void {
  const oneAtATime = pLimit(1);
  const underWay = new Map<string, number>();
  const dice = stream("conflicts");
  app.addHook("onRoute", (route) => {
    const methods = [route.method].flat();
    if (route.url !== "/:bucket/*" || !methods.some((method) => ["PUT", "POST", "DELETE"].includes(method))) {
      return;
    }
    const write = route.handler;
    route.handler = async function conditionalWrite(request, reply) {
      const ifNoneMatch = request.headers["if-none-match"];
      const ifMatch = request.headers["if-match"];
      const isConditional = ifNoneMatch !== undefined || ifMatch !== undefined;
      // The injected request has no query: uploadId and partNumber would make it another operation.
      const path = request.url.split("?")[0] ?? request.url;
      const others = underWay.get(path) ?? 0;
      if (conflicts && isConditional && others > 0 && dice() < 0.5) return refuse(reply, CONFLICT);
      underWay.set(path, others + 1);
      try {
        if (conflicts && isConditional) await setTimeout(UNDER_WAY_MS);
        return await oneAtATime(async () => {
          if (isConditional) {
            const { statusCode, headers } = await app.inject({ method: "HEAD", url: path });
            const verdict = judge({ ifNoneMatch, ifMatch }, statusCode === 404 ? undefined : headers.etag);
            // Not awaited: a reply that is would keep the others waiting until its client has read it.
            if (!verdict.allowed) return void refuse(reply, verdict);
          }
          return write.call(this, request, reply);
        });
      } finally {
        const left = (underWay.get(path) ?? 1) - 1;
        if (left === 0) underWay.delete(path);
        else underWay.set(path, left);
      }
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

interface Reply {
  code(status: number): { type(contentType: string): { send(body: string): unknown } };
}

function refuse(reply: Reply, error: Refusal): void {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
  reply.code(error.status).type("application/xml").send(xml);
}
