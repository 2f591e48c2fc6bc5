import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import packageJson from "../package.json" with { type: "json" };

describe("a Node.js that cannot run the project gets one line that says what to do:", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "install-"));
    return () => rm(folder, { recursive: true, force: true });
  });

  async function check(node: string) {
    await writeFile(join(folder, "node"), node);
    await chmod(join(folder, "node"), 0o755);
    await symlink("/usr/bin/uname", join(folder, "uname"));
    const options = { env: { PATH: folder }, encoding: "utf8" } as const;
    const { status, stderr } = spawnSync("/bin/sh", ["ops/check-node.sh"], options);
    return { status, stderr };
  }

  it.each([
    ["one that is too old", "v22.17.1", "#!/bin/sh\n[ $1 = -v ] && echo v22.17.1"],
    ["one for another C library", "that does not start", "#!/lib/ld-none.so"],
  ])("%s", async (_, version, node) => {
    const { status, stderr } = await check(node);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^Cannot run on \w+ \w+ with Node.js .*Linux with glibc \(on Windows: WSL\).*: npm ci\n$/,
    );
    expect(stderr).toContain(`with Node.js ${version}:`);
  });

  it("and one that can run it gets none", async () => {
    expect(await check(`#!/bin/sh\nexec "${process.execPath}" "$@"`)).toEqual({ status: 0, stderr: "" });
  });

  it.each(["start", "test"] as const)("npm %s asks first", (script) => {
    expect(packageJson.scripts[script]).toMatch(/^sh ops\/check-node\.sh && /);
  });
});

it("npm start ends its server when npm is told to end", async () => {
  const npm = spawn("npm", ["start", "--", "--port", "0", "--api-port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  onTestFinished(() => {
    // Whatever is left of the group; nothing is, when all went well.
    if (npm.pid !== undefined && groupLives(npm.pid)) process.kill(-npm.pid, "SIGKILL");
  });
  let output = "";
  for await (const chunk of npm.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (output.includes("aws s3 cp")) break;
  }
  const endpoint = /Serving on (\S+)/.exec(output)?.[1] ?? "nowhere";
  npm.stdout.resume();
  npm.kill("SIGTERM");
  // It closes when the last process that writes to it has ended.
  await once(npm, "close");
  await expect(fetch(endpoint)).rejects.toThrow("fetch failed");
});

it.each(Object.entries(packageJson.scripts).filter(([, script]) => /\bnode (--\S+ )?\S+\.ts$/.test(script)))(
  "npm run %s leaves no shell between npm and what it runs, which would not pass a signal on",
  (_, script) => {
    expect(script).toMatch(/(^|&& )exec node (--\S+ )?\S+$/);
  },
);

function groupLives(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}
