import type { IncomingMessage, Server, ServerResponse } from "node:http";

type Listening = Pick<Server, "listen" | "once" | "address" | "listeners" | "removeAllListeners" | "on">;

/**
 * Lets a server listen on 127.0.0.1 only, and refuses pages of other sites.
 * @param port 0 takes any free one
 * @param origins of pages elsewhere that may call
 * @returns the port
 */
export async function listenOnLoopback(
  server: Listening,
  port = 0,
  origins: readonly string[] = [],
): Promise<number> {
  refuseForeignPages(server, origins);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}

/**
 * Puts an answer of 403 before a server's own for what a page of another site sends: under a name of that site which
 * resolves to this machine (DNS rebinding), or straight to this machine. Nothing is signed here, and a prompt may cost money.
 * https://developer.mozilla.org/en-US/docs/Web/Security/Attacks/DNS_rebinding
 */
export function refuseForeignPages(
  server: Pick<Listening, "listeners" | "removeAllListeners" | "on">,
  origins: readonly string[] = [],
): void {
  const own = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { host, origin } = request.headers;
    if (!isLoopback(`http://${host}`)) {
      response
        .writeHead(403)
        .end(`The host ${JSON.stringify(host)} is not this machine. Use 127.0.0.1 or localhost.\n`);
    } else if (
      origin !== undefined &&
      !isLoopback(origin) &&
      ![origin, "*"].some((one) => origins.includes(one))
    ) {
      response.writeHead(403).end(`Pages of ${JSON.stringify(origin)} may not call this machine.\n`);
    } else {
      for (const listener of own) listener.call(server, request, response);
    }
  });
}

/** Whether a URL is one of this machine. */
export function isLoopback(url: string): boolean {
  const name = URL.parse(url)?.hostname ?? "";
  return /^(127\.\d+\.\d+\.\d+|\[::1\]|([a-z0-9.-]+\.)?localhost)$/.test(name);
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
