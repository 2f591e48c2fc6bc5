import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { python } from "./tools.ts";

const SCRIPT = fileURLToPath(new URL("../emulator.py", import.meta.url));

/** An AWS of one test file. */
export interface Emulator {
  readonly endpoint: string;
  /** Whether requests are refused that the caller's policies do not allow. Off at first. */
  enforceIam(on: boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function startEmulator(): Promise<Emulator> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = spawn(python, [SCRIPT, "-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  await untilReady(server, endpoint);
  return {
    endpoint,
    async enforceIam(on) {
      await fetch(`${endpoint}/moto-api/reset-auth`, { method: "POST", body: on ? "0" : "inf" });
    },
    async stop() {
      const exit = once(server, "exit");
      server.kill();
      await exit;
    },
  };
}

async function untilReady(server: ChildProcess, endpoint: string): Promise<void> {
  while (server.exitCode === null) {
    const answer = await fetch(`${endpoint}/moto-api/`).catch(() => undefined);
    if (answer?.ok) return;
    await setTimeout(100);
  }
  throw new Error(`the emulator has ended with ${server.exitCode}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
