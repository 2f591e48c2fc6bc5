import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";

/** Listens, tells its port, and then does nothing at all. */
const SCRIPT = `
  const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** A port on which connections are neither made nor refused, as behind a firewall: nobody takes them, and the backlog is full. */
export async function startDeafServer(): Promise<{ readonly port: number; readonly stop: () => void }> {
  const child = spawn(process.execPath, ["-e", SCRIPT]);
  const [told] = await once(child.stdout, "data");
  const port = Number(String(told));
  const sockets: Socket[] = [];
  const stop = (): void => {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
  };
  for (let isFull = false; !isFull; ) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    isFull = await Promise.race([once(socket, "connect").then(() => false), setTimeout(500, true)]);
  }
  return { port, stop };
}
