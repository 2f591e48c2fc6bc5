import { loadSettings } from "../config/load.ts";
import { inWorkshop } from "./fake/start.ts";
import type { WorkReport } from "./fake/work.ts";
import { rightSize } from "./right-size.ts";
import { type Part, pairwise } from "./table.ts";

const ROUNDS = 5;
/** Pictures that each process paints before and while it is measured. */
const WARM_UP = 30;
const PICTURES = 60;

/** What a picture costs beside the model. */
export const work: Part = {
  name: "work",
  quick: true,
  async run() {
    const { memoryMb } = (await loadSettings("prod")).consumer;
    const order = { pictures: PICTURES, warmUp: WARM_UP, deliveries: 1 };
    const ours: WorkReport[] = [];
    const sdks: WorkReport[] = [];
    const floors: WorkReport[] = [];
    await inWorkshop(memoryMb, async ({ work }) => {
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await work({ worker: "consumer", ...order }));
        sdks.push(await work({ worker: "sdk", ...order }));
        floors.push(await work({ worker: "floor", ...order }));
      }
    });
    const what = "the consumer: processor time for a picture";
    const values = ours.map(({ cpuMs }) => cpuMs);
    const against = (reports: readonly WorkReport[]) =>
      pairwise(
        values,
        reports.map(({ cpuMs }) => cpuMs),
        (one, other) => one / other,
      );
    return [
      {
        what,
        against: "the same six calls on a bare socket",
        unit: "×",
        values: against(floors),
        target: 2,
      },
      {
        what,
        against: "the same six calls with the AWS SDK alone",
        unit: "×",
        values: against(sdks),
        target: 1.1,
      },
      { what, against: "", unit: "ms", values, measures: "pictureMs" },
      {
        what: "Lambda's part",
        against: "the whole cost of the cheapest picture",
        unit: "%",
        values: ours.map(({ cpuMs, peakMb }) => rightSize({ pictureMs: cpuMs, peakMb }).percentOfCost),
        target: 0.5,
      },
      {
        what: "the consumer: memory at its peak",
        against: `two thirds of ${memoryMb} MB`,
        unit: "MB",
        values: ours.map(({ peakMb }) => peakMb),
        measures: "peakMb",
        target: Math.floor((memoryMb * 2) / 3),
      },
    ];
  },
};

/** Counts the consumer's calls of AWS for one picture and for a second delivery, as a table of `docs/performance.md`. */
export async function callsTable(): Promise<string> {
  return await inWorkshop(512, async ({ work, calls }) => {
    const order = { worker: "consumer", pictures: 1, warmUp: 0 } as const;
    await work({ ...order, deliveries: 1 });
    const picture = await calls();
    await work({ ...order, deliveries: 2 });
    const both = await calls();
    const kinds = Object.keys({ ...picture, ...both }).toSorted((a, b) => a.localeCompare(b));
    return [
      "| call | for a picture | for a duplicate |",
      "|---|---|---|",
      ...kinds.map((kind) => {
        const once = picture[kind] ?? 0;
        return `| ${kind} | ${once} | ${(both[kind] ?? 0) - once} |`;
      }),
    ].join("\n");
  });
}
