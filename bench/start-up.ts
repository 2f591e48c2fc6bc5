import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, buildSync } from "esbuild";
import { bundle } from "../constructs/bundle.ts";
import { consumerEnvironment, unpack } from "./fake/start.ts";
import { pairwise, timeProcesses } from "./measure.ts";
import type { Part } from "./table.ts";

const ROUNDS = 11;
const CONSUMER = "functions/consumer/index.ts";
const API = "functions/api/index.ts";
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What a function costs before it can take its first message, in processor time. */
export const startUp: Part = {
  name: "start-up",
  quick: true,
  async run() {
    const consumer = unpack(CONSUMER);
    const api = unpack(API);
    const env = {
      ...consumerEnvironment("http://127.0.0.1:9"),
      PICTURES_AT_ONCE: "20",
      MAY_WAIT: "true",
    };
    // Below the project, where the packages are found.
    const builds = join(ROOT, ".build", "start-up");
    mkdirSync(builds, { recursive: true });
    try {
      const empty = join(builds, "empty.cjs");
      writeFileSync(empty, "exports.handler = async () => ({ batchItemFailures: [] });\n");
      const files = [
        join(consumer, "index.js"),
        join(api, "index.js"),
        empty,
        build(CONSUMER, join(builds, "unbundled.mjs"), { packages: "external" }),
        build("bench/fake/powertools.ts", join(builds, "powertools.mjs"), {
          minify: true,
          banner: {
            js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
          },
        }),
      ];
      const [loaded = [], apiLoaded = [], floor = [], unbundled = [], powertools = []] = timeProcesses(
        files.map((file) => ({
          name: file,
          args: loading(file),
          env,
        })),
        ROUNDS,
      );
      const above = (one: number, other: number) => one - other;
      const ratio = (one: number, other: number) => one / other;
      const aboveFloor = pairwise(loaded, floor, above);
      return [
        { what: "start-up of the consumer", against: "", unit: "ms", values: loaded, measures: "startMs" },
        {
          what: "start-up of the consumer",
          against: "above an empty handler",
          unit: "ms",
          values: aboveFloor,
          target: 100,
        },
        {
          what: "start-up of the API",
          against: "above an empty handler",
          unit: "ms",
          values: pairwise(apiLoaded, floor, above),
          target: 100,
        },
        {
          what: "start-up of the consumer",
          against: "the same code, unbundled",
          unit: "×",
          values: pairwise(aboveFloor, pairwise(unbundled, floor, above), ratio),
          target: 0.6,
        },
        {
          what: "start-up of the consumer",
          against: "a consumer as Powertools documents it",
          unit: "×",
          values: pairwise(aboveFloor, pairwise(powertools, floor, above), ratio),
          target: 1,
        },
        {
          what: "zip of the consumer",
          against: "",
          unit: "kB",
          values: [readFileSync(bundle(CONSUMER).zip).length / 1000],
          target: 200,
        },
      ];
    } finally {
      for (const folder of [consumer, api, builds]) rmSync(folder, { recursive: true });
    }
  },
};

function build(entry: string, outfile: string, options: BuildOptions): string {
  buildSync({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "esm",
    outfile,
    ...options,
  });
  return outfile;
}

/** Loads a file as Lambda does: an ES module is imported, anything else is required. */
function loading(file: string): string[] {
  const name = JSON.stringify(file);
  return file.endsWith(".mjs")
    ? ["--input-type=module", "--eval", `await import(${name})`]
    : ["--input-type=commonjs", "--eval", `require(${name})`];
}
