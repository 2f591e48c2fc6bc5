// The size of the client, alone and as an image, and how long it takes to start, against a Node.js that does nothing.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { figuresOf, pairwise, timeProcesses } from "./measure.ts";

const ROUNDS = 15;
const BUNDLE = ".build/image-generator-client.cjs";
/** As client/try-container.sh names it. */
const IMAGE = "image-generator-client:try";

execFileSync("npm", ["run", "--silent", "build:client"], { stdio: "ignore" });
const bundle = readFileSync(BUNDLE);
console.log(`Bundle: ${megabytes(bundle.length)}, compressed ${megabytes(gzipSync(bundle).length)}`);
console.log(`Image:  ${imageSize()}`);

const [client = [], empty = []] = timeProcesses(
  [
    { name: "the client", args: [BUNDLE, "--version"], env: {} },
    { name: "Node.js", args: ["--eval", ""], env: {} },
  ],
  ROUNDS,
);
const ratio = figuresOf(pairwise(client, empty, (one, other) => one / other));
console.log(`Start-up, processor time, median of ${ROUNDS} processes each, in turn:`);
console.log(`  empty Node.js  ${figuresOf(empty).median.toFixed(0)} ms`);
console.log(`  client         ${figuresOf(client).median.toFixed(0)} ms`);
console.log(`  ratio          ${ratio.median.toFixed(2)}`);

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
