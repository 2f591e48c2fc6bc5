// The size of the client, alone and as an image, and how long it takes to start, against a Node.js that does nothing.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { figuresOf, pairwise } from "./measure.ts";

const ROUNDS = 15;
const BUNDLE = ".build/image-generator-client.cjs";
/** As client/try-container.sh names it. */
const IMAGE = "image-generator-client:try";

execFileSync("npm", ["run", "--silent", "build:client"], { stdio: "ignore" });
const bundle = readFileSync(BUNDLE);
console.log(`Bundle: ${megabytes(bundle.length)}, compressed ${megabytes(gzipSync(bundle).length)}`);
console.log(`Image:  ${imageSize()}`);

const client: number[] = [];
const empty: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  client.push(wallTime([BUNDLE, "--version"]));
  empty.push(wallTime(["--eval", ""]));
}
console.log(`Start-up, median (quartiles) of ${ROUNDS} processes each, in turn:`);
console.log(`  empty Node.js  ${format(empty, " ms", 0)}`);
console.log(`  client         ${format(client, " ms", 0)}`);
console.log(
  `  ratio          ${format(
    pairwise(client, empty, (one, other) => one / other),
    "",
    2,
  )}`,
);

/** How long a process of this Node.js takes, in milliseconds. */
function wallTime(args: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env: {}, encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} failed: ${stderr}`);
  return performance.now() - started;
}

function format(values: readonly number[], unit: string, digits: number): string {
  const { median, low, high } = figuresOf(values);
  return `${median.toFixed(digits)}${unit} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

function imageSize(): string {
  const engines = [
    { name: "docker", args: ["image", "inspect", "--format", "{{.Size}}", IMAGE] },
    { name: "buildah", args: ["images", "--format", "{{.Size}}", IMAGE] },
  ];
  for (const { name, args } of engines) {
    const { status, stdout } = spawnSync(name, args, {
      encoding: "utf8",
      env: { ...process.env, STORAGE_DRIVER: "vfs" },
    });
    if (status !== 0) continue;
    const size = stdout.trim();
    return name === "docker" ? megabytes(Number(size)) : `${size} on a stand-in for its base image`;
  }
  return "not built yet: run client/try-container.sh first";
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(2)} MB`;
}
