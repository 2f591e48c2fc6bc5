import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** The trace header of the invocation that each connection was last used in. */
const usedBy = new WeakMap<Socket, string>();

/**
 * Whether a request came on a connection of an earlier invocation. Between the two the environment was frozen, and a
 * service closes what is idle: the environment does not hear of it, uses the connection again, and gets ECONNRESET.
 * https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html (keep-alive)
 */
export function outlivedItsInvocation({ socket, headers }: IncomingMessage): boolean {
  const invocation = String(headers["x-amzn-trace-id"] ?? "");
  const earlier = usedBy.get(socket);
  usedBy.set(socket, invocation);
  return earlier !== undefined && earlier !== invocation;
}
