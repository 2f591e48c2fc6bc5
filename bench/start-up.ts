import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../constructs/bundle.ts";
import { consumerEnvironment, unpack } from "./fake/start.ts";
import { type Part, pairwise } from "./table.ts";

const ROUNDS = 11;
const CONSUMER = "functions/consumer/index.ts";
/** Of both functions. Nothing is called while they load. */
const ENVIRONMENT = {
  ...consumerEnvironment("http://127.0.0.1:9"),
  ...{ PICTURES_AT_ONCE: "20", MAY_WAIT: "true" },
};
const TELL_CPU_TIME = fileURLToPath(new URL("./fake/tell-cpu-time.cjs", import.meta.url));

/** What a function costs before it can take its first message, in processor time. */
export const startUp: Part = {
  name: "start-up",
  quick: true,
  async run() {
    const empty = join(mkdtempSync(join(tmpdir(), "couch-bench-")), "index.js");
    writeFileSync(empty, "exports.handler = async () => ({ batchItemFailures: [] });\n");
    const consumer = join(unpack(CONSUMER), "index.js");
    const api = join(unpack("functions/api/index.ts"), "index.js");
    const clients = join(unpack("bench/fake/clients.ts"), "index.js");
    const times: Record<string, number[]> = { [consumer]: [], [clients]: [], [api]: [], [empty]: [] };
    const [nextNode] = globSync("ops/twin/node_modules/node-*/bin/node");
    const onNext: number[] = [];
    // In turn, so that a machine whose speed drifts slows all of them down alike. The first round is a warm-up.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [file, measured] of Object.entries(times)) {
        const time = timeToLoad(file);
        if (round > 0) measured.push(time);
      }
      if (round > 0 && nextNode !== undefined) onNext.push(timeToLoad(consumer, nextNode));
    }
    const aboveEmpty = (file: string) =>
      pairwise(times[file] ?? [], times[empty] ?? [], (one, other) => one - other);
    const against = "above an empty handler";
    return [
      {
        what: "start-up of the consumer",
        against: "",
        unit: "ms",
        values: times[consumer] ?? [],
        measures: "startMs",
      },
      // Installed by npm ci --prefix ops/twin.
      ...(nextNode === undefined
        ? []
        : [
            {
              what: "start-up of the consumer on Node.js 24",
              against: "Node.js 22",
              unit: "×" as const,
              values: pairwise(onNext, times[consumer] ?? [], (next, today) => next / today),
            },
          ]),
      { what: "start-up of the consumer", against, unit: "ms", values: aboveEmpty(consumer), target: 60 },
      {
        what: "start-up of the AWS SDK's clients that the consumer has, alone",
        ...{ against, unit: "ms", values: aboveEmpty(clients) },
      },
      { what: "start-up of the API", against, unit: "ms", values: aboveEmpty(api), target: 100 },
      {
        what: "zip of the consumer",
        against: "",
        unit: "kB",
        values: [readFileSync(bundle(CONSUMER).zip).length / 1000],
        target: 200,
      },
    ];
  },
};

/** The processor time of a whole process that loads a function's file, in milliseconds. */
function timeToLoad(file: string, node = process.execPath): number {
  const { status, stderr } = spawnSync(
    node,
    [
      ...["--require", TELL_CPU_TIME],
      ...["--input-type=commonjs", "--eval", `require(${JSON.stringify(file)})`],
    ],
    { env: ENVIRONMENT, encoding: "utf8" },
  );
  const time = Number.parseFloat(stderr.trimEnd().split("\n").at(-1) ?? "");
  if (status !== 0 || Number.isNaN(time)) throw new Error(`${file} failed: ${stderr.slice(-500)}`);
  return time;
}
