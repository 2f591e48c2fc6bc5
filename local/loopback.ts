import type { IncomingMessage, Server } from "node:http";

/**
 * Lets a server listen on 127.0.0.1 only.
 * @param port 0 takes any free one
 * @returns the port
 */
export async function listenOnLoopback(
  server: Pick<Server, "listen" | "once" | "address">,
  port = 0,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}

/** The body of a request; undefined where it is larger than the limit, in bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // To the end, so that the caller gets to read the answer.
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes <= limit) chunks.push(part);
  }
  return bytes > limit ? undefined : Buffer.concat(chunks);
}
