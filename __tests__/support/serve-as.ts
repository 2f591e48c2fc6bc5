import { once } from "node:events";
import type { Server } from "node:http";
import { vi } from "vitest";
import { listenOnLoopback } from "../../local/loopback.ts";

/**
 * Lets the AWS SDK ask this server instead of a service.
 * @returns what ends the server, and takes the environment back
 */
export async function serveAs(
  service: "BEDROCK" | "IAM" | "LAMBDA" | "S3",
  server: Server,
): Promise<() => Promise<void>> {
  vi.stubEnv(`AWS_ENDPOINT_URL_${service}`, `http://127.0.0.1:${await listenOnLoopback(server)}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  return async () => {
    vi.unstubAllEnvs();
    const closed = once(server, "close");
    server.closeAllConnections();
    server.close();
    await closed;
  };
}
