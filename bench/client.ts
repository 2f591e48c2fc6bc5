import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { pairwise, timeProcesses } from "./measure.ts";
import type { Part, Row } from "./table.ts";

const ROUNDS = 9;
const BUNDLE = ".build/image-generator-client.cjs";
/** As client/try-container.sh names it. */
const IMAGE = "image-generator-client:try";

/** The size of the client, alone and as an image, and how long it takes to start. */
export const client: Part = {
  name: "client",
  quick: false,
  async run() {
    execFileSync("npm", ["run", "--silent", "build:client"], { stdio: "ignore" });
    const bundle = readFileSync(BUNDLE);
    const [ours = [], empty = []] = timeProcesses(
      [
        { name: "the client", args: [BUNDLE, "--version"], env: {} },
        { name: "Node.js", args: ["--eval", ""], env: {} },
      ],
      ROUNDS,
    );
    return [
      { what: "bundle of the client", against: "", unit: "kB", values: [bundle.length / 1000] },
      {
        what: "bundle of the client, compressed",
        against: "",
        unit: "kB",
        values: [gzipSync(bundle).length / 1000],
      },
      ...imageSize(),
      { what: "start-up of the client", against: "", unit: "ms", values: ours },
      {
        what: "start-up of the client",
        against: "a Node.js that does nothing",
        unit: "×",
        values: pairwise(ours, empty, (one, other) => one / other),
      },
    ];
  },
};

/** The image's size, where client/try-container.sh has built it. */
function imageSize(): Row[] {
  const engines = [
    { name: "docker", args: ["image", "inspect", "--format", "{{.Size}}", IMAGE], base: "" },
    {
      name: "buildah",
      args: ["images", "--format", "{{.Size}}", IMAGE],
      base: "on a stand-in for its base image",
    },
  ];
  for (const { name, args, base } of engines) {
    const { status, stdout } = spawnSync(name, args, {
      encoding: "utf8",
      env: { ...process.env, STORAGE_DRIVER: "vfs" },
    });
    if (status !== 0) continue;
    const megabytes = name === "docker" ? Number(stdout) / 1e6 : Number.parseFloat(stdout);
    return [{ what: "image of the client", against: base, unit: "MB", values: [megabytes] }];
  }
  return [];
}
