import { createHash, randomBytes } from "node:crypto";

/** How often a function may run in one chain of events before Lambda takes the chain for a loop. */
const MOST_INVOCATIONS = 16;

/**
 * The trace header of an invocation. AWS's SDKs pass it on with what the function sends, and so Lambda counts how often
 * a function has run in one chain of events: `Lineage=<function>:<count>|<function>:<count>`.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
 * @param functionArn whose invocation it is
 * @param received the headers that came with the events; of a batch, the longest chain counts
 * @param mayRecurse whether the function is one whose loops are allowed
 * @returns undefined where the function has run too often in the chain
 */
export function nextTraceHeader(
  functionArn: string,
  received: readonly string[],
  mayRecurse: boolean,
): string | undefined {
  const lineage = new Map<string, number>();
  for (const [, id = "", count] of received.flatMap((header) => [...lineageOf(header)])) {
    lineage.set(id, Math.max(lineage.get(id) ?? 0, Number(count)));
  }
  const own = createHash("sha256").update(functionArn).digest("hex").slice(0, 8);
  const count = (lineage.get(own) ?? 0) + 1;
  if (count > MOST_INVOCATIONS && !mayRecurse) return undefined;
  lineage.set(own, count);
  const root = /Root=([^;]+)/.exec(received[0] ?? "")?.[1] ?? newRoot();
  const parent = randomBytes(8).toString("hex");
  const links = [...lineage].map(([id, times]) => `${id}:${times}`).join("|");
  return `Root=${root};Parent=${parent};Sampled=0;Lineage=${links}`;
}

function lineageOf(header: string): Iterable<RegExpExecArray> {
  const [, lineage = ""] = /Lineage=([^;]*)/.exec(header) ?? [];
  return lineage.matchAll(/([0-9a-f]+):(\d+)/g);
}

function newRoot(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `1-${seconds}-${randomBytes(12).toString("hex")}`;
}
